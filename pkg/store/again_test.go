package store

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// An interaction is recorded again where bytes came behind its terminal event. What
// was recorded first is gone with that: from searches, and from the disk once its
// time is over.
func TestWhatIsRecordedAgain(t *testing.T) {
	for _, indexFirst := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		first := entry("a walrus")
		finish(t, s, first)
		if indexFirst {
			sync1(t, s)
			indexed(t, s)
		}
		again := entry("a zebra")
		again.Interaction.ID, again.Interaction.StartedAt = first.Interaction.ID, first.Interaction.StartedAt
		finish(t, s, entry("a beaver"))
		finish(t, s, again)
		finish(t, s, again)
		finish(t, s, entry("something else"))
		sync1(t, s)
		for text, want := range map[string]int{"walrus": 0, "zebra": 1, "beaver": 1, "else": 1} {
			if n := finds(t, s.Reader, text); n != want {
				t.Errorf("%d are found by %q, not %d", n, text, want)
			}
		}
		indexed(t, s)
		for text, want := range map[string]int{"walrus": 0, "zebra": 1, "beaver": 1, "else": 1} {
			if n := count(t, s, "search WHERE search MATCH '"+text+"'"); n != want {
				t.Errorf("%d are indexed by %q, not %d", n, text, want)
			}
		}
		checkIndex(t, s)
		if n := count(t, s, "interaction"); n != 3 {
			t.Errorf("%d interactions, not 3", n)
		}
		var live int
		if err := s.db.QueryRowContext(t.Context(), "SELECT sum(live) FROM block").Scan(&live); err != nil || live != 3 {
			t.Errorf("blocks are kept for %d interactions, not 3: %v", live, err)
		}
		closeStore(t, s)
		s = retained(t, dir, Options{Retain: time.Nanosecond})
		for _, table := range []string{"interaction", "block", "search_docsize", "unindexed"} {
			if n := count(t, s, table); n != 0 {
				t.Errorf("%d rows are left in %s", n, strings.TrimSuffix(table, "_docsize"))
			}
		}
	}
}

// Bodies are whole where an interaction that ends again is what others are made of, and
// is made of itself.
func TestBodiesOfWhatIsRecordedAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := newRand(9)
	history := prose(r, 20_000)
	turn := func() *record.Entry {
		history += prose(r, 3000)
		e := entry(prose(r, 50))
		e.Conversation = 7
		e.Request.Data = []byte(`{"messages":["` + history + `"]}`)
		return e
	}
	var all []*record.Entry
	for n := range 12 {
		e := turn()
		finish(t, s, e)
		for range n % 3 { // in one batch with the first one, or not
			if n%2 == 0 {
				sync1(t, s)
			}
			again := *e
			again.Response.Data = []byte(prose(r, 500))
			finish(t, s, &again)
			e = &again
		}
		all = append(all, e)
	}
	check := func() {
		t.Helper()
		sync1(t, s)
		for n, e := range all {
			for side, want := range map[Side][]byte{Request: e.Request.Data, Response: e.Response.Data} {
				got, _, err := s.Body(t.Context(), e.Interaction.ID, side)
				if err != nil || !bytes.Equal(got.Data, want) {
					t.Fatalf("turn %d, side %v: %d bytes, not %d: %v", n, side, len(got.Data), len(want), err)
				}
			}
		}
	}
	check()
	indexed(t, s)
	checkIndex(t, s)
	checkSound(t, s)
	s.cleanNow(t)
	closeStore(t, s)
	s = open(t, dir, Options{})
	check()
	again := *all[3] // long after the others
	finish(t, s, &again)
	s.cleanNow(t)
	check()
	checkIndex(t, s)
	checkSound(t, s)
}
