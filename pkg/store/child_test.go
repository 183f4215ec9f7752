package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

const childVariable = "ARCHESTRA_STORE_TEST_DIR"

// childMain is the process that TestKill kills: it records without end, and says
// on its output what it has begun and what has been recorded.
func childMain() bool {
	dir := os.Getenv(childVariable)
	if dir == "" {
		return false
	}
	s, err := Open(context.Background(), dir, Options{CacheBytes: 1 << 20, maxUnindexed: 50_000})
	if err != nil {
		fmt.Println("error", err)
		return true
	}
	fmt.Println("open")
	var out sync.Mutex
	say := func(word, id string) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(word, id)
	}
	var wg sync.WaitGroup
	for client := range 50 {
		wg.Go(func() {
			r := newRand(uint64(client))
			history := prose(r, 6000)
			for {
				e := chat(r)
				if client%2 == 0 {
					history += prose(r, 1000)
					e.Request.Data, e.Conversation = []byte(history), uint64(client+1)
				}
				if client%10 == 1 {
					e.Response.Data = random(r, largeText+50_000)
				}
				e.ResponseHeader = append(e.ResponseHeader, record.Field{Name: "Sum", Values: []string{sum(e.Request.Data) + sum(e.Response.Data)}})
				s.Start(e.Interaction)
				say("begun", e.Interaction.ID)
				if err := s.Finish(context.Background(), e); err != nil {
					say("error", err.Error())
					return
				}
				say("whole", e.Interaction.ID)
			}
		})
	}
	wg.Wait()
	return true
}

func sum(b []byte) string {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return fmt.Sprintf("%x", h)
}

// However the process is killed, what Finish has returned for is there whole.
func TestKill(t *testing.T) {
	storms := 8
	if testing.Short() {
		storms = 3
	}
	dir := t.TempDir()
	r := newRand(1)
	whole := map[string]bool{}
	for range storms {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childVariable+"="+dir)
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(pipe)
		timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		seen := 0
		limit := 50 + r.IntN(600)
		for lines.Scan() {
			word, id, _ := strings.Cut(lines.Text(), " ")
			if word == "error" {
				t.Fatal(lines.Text())
			}
			if seen++; seen == limit {
				_ = cmd.Process.Kill()
			}
			// What it still said after the kill counts as well.
			if word == "whole" {
				whole[id] = true
			}
		}
		timer.Stop()
		_ = cmd.Wait()
	}
	s := open(t, dir, Options{})
	checkSound(t, s)
	checkIndex(t, s)
	found, interrupted := 0, 0
	for i, err := range s.Each(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if i.State == llm.StateInterrupted {
			if interrupted++; whole[i.ID] {
				t.Errorf("%s was recorded and is interrupted", i.ID)
			}
			continue
		}
		if i.State != llm.StateDone {
			t.Errorf("%s is %s", i.ID, i.State)
		}
		if whole[i.ID] {
			found++
		}
		request, _, err := s.Body(t.Context(), i.ID, Request)
		if err != nil {
			t.Fatal(err)
		}
		response, header, err := s.Body(t.Context(), i.ID, Response)
		if err != nil {
			t.Fatal(err)
		}
		if header.Get("Sum") != sum(request.Data)+sum(response.Data) {
			t.Errorf("%s: its bodies are not what they were", i.ID)
		}
	}
	if found != len(whole) {
		t.Errorf("%d of %d that were recorded are there", found, len(whole))
	}
	t.Logf("%d recorded, %d interrupted, %d kills", found, interrupted, storms)
	if interrupted == 0 || found < storms*10 {
		t.Error("the kills did not hit anything")
	}
}

// checkSound runs SQLite's own checks.
func checkSound(t *testing.T, s *Store) {
	t.Helper()
	for _, query := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
		found, err := ids(t.Context(), s.db, query)
		if err != nil || len(found) > 0 && !slices.Equal(found, []string{"ok"}) {
			t.Errorf("%s: %v, %v", query, found, err)
		}
	}
	// Every piece that a recipe names is there.
	rows, err := s.db.QueryContext(t.Context(), "SELECT id FROM interaction WHERE block IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		for _, side := range []Side{Request, Response} {
			if _, _, err := s.Body(t.Context(), id, side); err != nil {
				t.Error(err)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}
