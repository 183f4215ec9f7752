package store
import ("testing";"os/exec";"os")
func TestDbg(t *testing.T) {
	dir := "/tmp/dbgstore"; os.RemoveAll(dir)
	s := open(t, dir, Options{})
	response := answer(200)
	turns := session(100, 45<<10, 400<<10)
	for _, body := range turns {
		e := entry(prose(newRand(uint64(len(body))), 600))
		e.Request.Data, e.Response.Data, e.Conversation = body, response, 77
		e.SearchText = prose(newRand(uint64(len(body))), 3000)
		s.Start(e.Interaction)
		finish(t, s, e)
	}
	closeStore(t, s)
	out, _ := exec.Command("sh","-c","ls -laR /tmp/dbgstore; sqlite3 /tmp/dbgstore/archestra.db 'select count(*), sum(length(data)) from block; select count(*), sum(kept), sum(size) from piece; select name, sum(pgsize) from dbstat group by 1 order by 2; pragma page_size'").CombinedOutput()
	t.Log(string(out))
	t.Log(len(turns[0]), len(turns[99]), len(response))
}
