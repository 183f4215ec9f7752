package endure

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // to check the database

	"github.com/archestra-ai/archestra-cli/bench/payload"
	"github.com/archestra-ai/archestra-cli/bench/subject"
)

// KillOptions say how hard the storms are.
type KillOptions struct {
	Storms    int
	Exchanges int // in flight in each storm
}

// killText is what every answer of the storms says.
const killText = "0 1 2 3 4 "

// killUpstream answers with the id that the request's user names: at once or, if
// a stream is asked for, in five events with pauses of a few milliseconds.
func killUpstream(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		User   string
		Stream bool
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !ask.Stream {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%q,"object":"chat.completion","model":"bench-kill","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`, ask.User, killText)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	event := func(delta, finish string) {
		fmt.Fprintf(w, "data: {\"id\":%q,\"object\":\"chat.completion.chunk\",\"model\":\"bench-kill\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n", ask.User, delta, finish)
		_ = http.NewResponseController(w).Flush() // the caller may be dead, that is the point
	}
	for i := range 5 {
		event(fmt.Sprintf(`{"content":"%d "}`, i), "null")
		select {
		case <-r.Context().Done():
			return
		case <-time.After(time.Duration(len(ask.User)*7%13) * time.Millisecond):
		}
	}
	event("{}", `"stop"`)
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// Kill starts archestra, ends it with kill -9 in the middle of many exchanges,
// and again, on the same records. What a client had whole must be recorded whole,
// whatever else is recorded must be true, and the database must be sound.
func Kill(ctx context.Context, b *subject.Bench, o KillOptions, talk io.Writer) error {
	dir, err := os.MkdirTemp("", "archestra-kill-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	up := &http.Server{Handler: http.HandlerFunc(killUpstream)}
	go func() { _ = up.Serve(l) }() // ends with Close
	defer func() { _ = up.Close() }()

	var mu sync.Mutex
	whole := map[string]bool{} // what clients had whole, by the answer's id
	for storm := range o.Storms {
		s, err := start(ctx, b, dir, l.Addr().String())
		if err != nil {
			return fmt.Errorf("storm %d: %w", storm, err)
		}
		var wg sync.WaitGroup
		for n := range o.Exchanges {
			wg.Go(func() {
				id := fmt.Sprintf("answer-%d-%d-%s", storm, n, strings.Repeat("x", n%11))
				if killExchange(ctx, s, id, n%4 > 0) {
					mu.Lock()
					defer mu.Unlock()
					whole[id] = true
				}
			})
		}
		select { // anywhere in the middle
		case <-time.After(time.Duration(5+rand.IntN(40+o.Exchanges/2)) * time.Millisecond):
		case <-ctx.Done():
		}
		s.kill()
		wg.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if (storm+1)%10 == 0 {
			fmt.Fprintf(talk, "%d storms, %d answers whole\n", storm+1, len(whole))
		}
	}
	s, err := start(ctx, b, dir, l.Addr().String())
	if err != nil {
		return fmt.Errorf("behind the storms: %w", err)
	}
	all, err := rows(b, dir)
	if err := errors.Join(err, s.end(time.Minute)); err != nil {
		return err
	}
	lost, corrupt := judge(all, whole)
	for _, text := range append(lost, corrupt...) {
		fmt.Fprintln(talk, text)
	}
	n := states(all)
	fmt.Fprintf(talk, "%d storms of %d exchanges: %d whole at their clients, %d recorded as done, %d interrupted; %d lost, %d corrupt\n",
		o.Storms, o.Exchanges, len(whole), n["done"], n["interrupted"], len(lost), len(corrupt))
	if len(whole) == 0 || n["interrupted"] == 0 {
		return errors.New("the storms missed: nothing was whole, or nothing was interrupted")
	}
	if len(lost)+len(corrupt) > 0 {
		return fmt.Errorf("%d lost, %d corrupt", len(lost), len(corrupt))
	}
	return checkDatabases(filepath.Join(dir, "data"))
}

// killExchange tells whether the client had the whole answer.
func killExchange(ctx context.Context, s *server, id string, stream bool) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.target.Addr+s.target.Paths[payload.Chat],
		strings.NewReader(fmt.Sprintf(`{"model":"bench-kill","stream":%v,"user":%q,"messages":[{"role":"user","content":"go"}]}`, stream, id)))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }() // it is read
	got, err := io.ReadAll(res.Body)
	if stream {
		// The terminal event is what a client waits for; the end of the body may be cut.
		return bytes.Contains(got, []byte("[DONE]"))
	}
	return err == nil && res.StatusCode == http.StatusOK && json.Valid(got)
}

// judge compares what is recorded with what clients had whole.
func judge(all []row, whole map[string]bool) (lost, corrupt []string) {
	done := map[string]bool{}
	for _, r := range all {
		switch {
		case r.State == "done" && done[r.ResponseID]:
			corrupt = append(corrupt, r.ResponseID+" is recorded twice")
		case r.State == "done" && r.Text != killText:
			corrupt = append(corrupt, fmt.Sprintf("%s is recorded as done with %q", r.ResponseID, r.Text))
		case r.State == "done":
			done[r.ResponseID] = true
		case r.State != "interrupted" && r.State != "cancelled" && r.State != "incomplete":
			corrupt = append(corrupt, fmt.Sprintf("%s is recorded as %s", r.ID, r.State))
		}
	}
	for id := range whole {
		if !done[id] {
			lost = append(lost, "a client had "+id+" whole, and it is not recorded as done")
		}
	}
	return lost, corrupt
}

// checkDatabases asks SQLite whether every database under dir is sound.
func checkDatabases(dir string) error {
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		head := make([]byte, 15)
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		n, _ := io.ReadFull(f, head) // a short file is none
		if err := f.Close(); err != nil {
			return err
		}
		if string(head[:n]) != "SQLite format 3" {
			return nil
		}
		found++
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			return err
		}
		var said string
		err = db.QueryRow("PRAGMA integrity_check").Scan(&said)
		if err == nil && said != "ok" {
			err = errors.New(said)
		}
		if err := errors.Join(err, db.Close()); err != nil {
			return fmt.Errorf("%s is not sound: %w", filepath.Base(path), err)
		}
		return nil
	})
	if err == nil && found == 0 {
		err = errors.New("there is no database")
	}
	return err
}
