package store

import (
	"strings"
	"testing"
	"time"
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
