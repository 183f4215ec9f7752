package endure

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	whole := map[string]bool{"a": true, "b": true}
	good := []row{{ResponseID: "a", State: "done", Text: killText}, {ResponseID: "b", State: "done", Text: killText}, {State: "interrupted"}, {State: "cancelled"}}
	if lost, corrupt := judge(good, whole); len(lost)+len(corrupt) != 0 {
		t.Errorf("a sound record has %q lost and %q corrupt", lost, corrupt)
	}
	for name, c := range map[string]struct {
		all           []row
		lost, corrupt int
	}{
		"one is missing":     {good[1:], 1, 0},
		"one is interrupted": {append([]row{{ResponseID: "a", State: "interrupted"}}, good[1:]...), 1, 0},
		"a text is cut":      {append([]row{{ResponseID: "a", State: "done", Text: "0 1 "}}, good[1:]...), 1, 1},
		"one is there twice": {append([]row{good[0]}, good...), 0, 1},
		"one still runs":     {append([]row{{State: "streaming"}}, good...), 0, 1},
	} {
		if lost, corrupt := judge(c.all, whole); len(lost) != c.lost || len(corrupt) != c.corrupt {
			t.Errorf("%s: %q lost, %q corrupt", name, lost, corrupt)
		}
	}
}

func TestFlat(t *testing.T) {
	series := func(start, each int64) (all []reading) {
		for i := range int64(100) {
			all = append(all, reading{at: time.Duration(i) * time.Second, rss: start + i*each + i%3*1_000_000, fds: 30, threads: 9, goroutines: -1})
		}
		return all
	}
	if err := flat(series(100e6, 0), io.Discard); err != nil {
		t.Errorf("what does not grow is no leak: %v", err)
	}
	if err := flat(series(100e6, 500_000), io.Discard); err == nil {
		t.Error("a leak of half a megabyte a second is not seen")
	}
	leaking := series(100e6, 0)
	for i := range leaking {
		leaking[i].fds += i
	}
	if err := flat(leaking, io.Discard); err == nil {
		t.Error("a leak of descriptors is not seen")
	}
}

func TestCheckDatabases(t *testing.T) {
	dir := t.TempDir()
	if checkDatabases(dir) == nil {
		t.Error("an empty folder is taken for sound")
	}
	path := filepath.Join(dir, "a.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE t (a); CREATE INDEX i ON t (a); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 5000) INSERT INTO t SELECT x FROM n"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkDatabases(dir); err != nil {
		t.Errorf("a sound database is not: %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(b) / 2; i < len(b)/2+4096; i++ {
		b[i] ^= 0x55
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if checkDatabases(dir) == nil {
		t.Error("a broken database is taken for sound")
	}
}

func TestFaultTable(t *testing.T) {
	names := map[string]bool{}
	for _, f := range faultTable() {
		if names[f.name] || f.expect == "" || f.run == nil {
			t.Errorf("the fault %q is there twice or says nothing", f.name)
		}
		names[f.name] = true
	}
}
