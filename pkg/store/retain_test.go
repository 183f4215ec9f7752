package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// retained runs retention in the store's own goroutine's place: the store is
// closed and opened again with o, which cleans once at its start.
func retained(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	s := open(t, dir, o)
	sync1(t, s)
	s.cleanNow(t)
	return s
}

// cleanNow waits until the store has looked for what is too old, once more.
func (s *Store) cleanNow(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	select {
	case s.clean <- done:
	case <-time.After(time.Minute):
		t.Fatal("the store does not clean")
	}
	<-done
}

func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What old interactions share with new ones stays, and what they do not goes.
func TestRetentionByAge(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	turns := session(8, 60<<10, 120<<10)
	now := time.Now()
	var entries []*record.Entry
	for n, body := range turns {
		e := entry(fmt.Sprint("turn ", n))
		e.Interaction.StartedAt = now.Add(time.Duration(n-5) * time.Hour) // five are more than half an hour old
		e.Request.Data, e.Conversation = body, 9
		e.Response.Data = append(random(newRand(uint64(n)), largeText+1), bytes.Repeat([]byte("shared"), largeText/5)...)
		finish(t, s, e)
		entries = append(entries, e)
	}
	other := entry("alone")
	other.Interaction.StartedAt = now.Add(-3 * time.Hour)
	other.Request.Data, other.Conversation = random(newRand(99), 500_000), 10
	finish(t, s, other)
	closeStore(t, s)
	before := diskUse(t, dir)

	s = retained(t, dir, Options{Retain: 30 * time.Minute})
	list, err := s.List(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, e := range entries[5:] {
		want = append(want, e.Interaction.ID)
	}
	if diff := cmp.Diff(want, idsOf(list)); diff != "" {
		t.Fatalf("what is left (-want +got):\n%s", diff)
	}
	for _, e := range entries[5:] {
		for side, data := range [][]byte{e.Request.Data, e.Response.Data} {
			got, _, err := s.Body(t.Context(), e.Interaction.ID, Side(side))
			if err != nil || !bytes.Equal(got.Data, data) {
				t.Errorf("%s, side %d: %d bytes, %v", e.Interaction.ID, side, len(got.Data), err)
			}
		}
	}
	checkSound(t, s)
	files, err := os.ReadDir(filepath.Join(dir, blobsName))
	if err != nil || len(files) != count(t, s, "piece WHERE id < 0") || len(files) >= 3*8 {
		t.Errorf("%d blobs, %v", len(files), err)
	}
	if n := count(t, s, "search WHERE search MATCH 'turn'"); n != 3 {
		t.Errorf("%d texts are left", n)
	}
	closeStore(t, s)
	if after := diskUse(t, dir); after > before*2/3 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}

func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for n := range 10 {
		e := entry("old")
		e.Interaction.StartedAt = time.Now().Add(-time.Hour)
		e.Request.Data, e.Conversation = []byte(prose(newRand(uint64(n)), 50_000)), uint64(n+1)
		e.Response.Data = random(newRand(uint64(n)), largeText+1)
		finish(t, s, e)
	}
	closeStore(t, s)
	s = retained(t, dir, Options{Retain: time.Minute})
	for _, table := range []string{"interaction", "block", "piece", "search WHERE search MATCH 'old'", "unindexed"} {
		if n := count(t, s, table); n != 0 {
			t.Errorf("%s: %d rows are left", table, n)
		}
	}
	if files, err := os.ReadDir(filepath.Join(dir, blobsName)); err != nil || len(files) != 0 {
		t.Errorf("%d blobs are left, %v", len(files), err)
	}
	if n := count(t, s, "profile"); n != 1 {
		t.Errorf("%d profiles", n)
	}
}

// While a store runs, the size stays near its limit, and what an agent goes on
// with is not lost.
func TestRetentionBySize(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{RetainSize: 8 << 20})
	turns := session(40, 60<<10, 120<<10)
	for n, body := range turns {
		e := entry(fmt.Sprint("turn ", n))
		e.Request.Data, e.Conversation = body, 9
		e.Response.Data = random(newRand(uint64(n)), 1100<<10)
		s.Start(e.Interaction)
		finish(t, s, e)
		if n%4 == 3 {
			s.cleanNow(t)
			got, _, err := s.Body(t.Context(), e.Interaction.ID, Request)
			if err != nil || !bytes.Equal(got.Data, body) {
				t.Fatalf("turn %d: %d bytes, %v", n, len(got.Data), err)
			}
		}
	}
	sync1(t, s)
	s.cleanNow(t)
	list, err := s.List(t.Context(), Query{})
	if err != nil || len(list) < 3 || len(list) > 8 || list[len(list)-1].Text != "turn 39" {
		t.Errorf("%d are left, %v", len(list), err)
	}
	checkSound(t, s)
	closeStore(t, s)
	if size := diskUse(t, dir); size > 9<<20 {
		t.Errorf("%d bytes", size)
	}
}

// Files that a killed process left are removed, and those in use are not.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	e := entry("blob")
	e.Response.Data = random(newRand(1), 2<<20)
	finish(t, s, e)
	closeStore(t, s)
	stray := filepath.Join(dir, blobsName, "new-123")
	lost := filepath.Join(dir, blobsName, fmt.Sprintf("%064x", 7))
	for _, path := range []string{stray, lost} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, Options{})
	files, err := os.ReadDir(filepath.Join(dir, blobsName))
	if err != nil || len(files) != count(t, s, "piece") {
		t.Errorf("%d files, %v", len(files), err)
	}
	if got, _, err := s.Body(t.Context(), e.Interaction.ID, Response); err != nil || !bytes.Equal(got.Data, e.Response.Data) {
		t.Errorf("%d bytes, %v", len(got.Data), err)
	}
}

// Whatever retention takes away while others record, what is there is whole.
func TestRetentionBesideRecording(t *testing.T) {
	s := open(t, t.TempDir(), Options{RetainSize: 1})
	images := [][]byte{random(newRand(1), largeText+1), random(newRand(2), largeText+1)}
	stop := make(chan struct{})
	var cleaner, clients sync.WaitGroup
	cleaner.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.cleanNow(t)
			}
		}
	})
	gone := atomic.Int64{}
	for client := range 4 {
		clients.Go(func() {
			r := newRand(uint64(client))
			history := prose(r, 8000)
			for n := range 25 {
				history += prose(r, 500)
				e := entry(fmt.Sprint(client, n))
				e.Request.Data, e.Conversation = []byte(history), uint64(client+1)
				e.Response.Data = images[n%2]
				finish(t, s, e)
				sync1(t, s)
				for side, want := range [][]byte{e.Request.Data, e.Response.Data} {
					got, _, err := s.Body(t.Context(), e.Interaction.ID, Side(side))
					switch {
					case errors.Is(err, ErrNotFound):
						gone.Add(1)
					case err != nil || !bytes.Equal(got.Data, want):
						t.Errorf("client %d, turn %d, side %d: %d bytes, %v", client, n, side, len(got.Data), err)
					}
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	cleaner.Wait()
	if gone.Load() == 0 {
		t.Error("nothing was taken away")
	}
	checkSound(t, s)
	if h := s.Health(); h.Failing() {
		t.Errorf("health %+v", h)
	}
}
