package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
)

// finds returns how many interactions hold a text.
func finds(t testing.TB, r *Reader, text string) int {
	t.Helper()
	list, err := r.List(t.Context(), Query{Filter: filter.Text(text)})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// backlog returns how many bytes of text wait for the index.
func backlog(t testing.TB, s *Store) (n int64) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), "SELECT ifnull(sum(size), 0) FROM unindexed").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// indexed searches, and waits until nothing is left to be indexed.
func indexed(t testing.TB, s *Store) {
	t.Helper()
	finds(t, s.Reader, "anything")
	settled(t, s, 0)
}

// settled waits until no more than most bytes of text wait for the index.
func settled(t testing.TB, s *Store, most int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.Tick(time.Millisecond); backlog(t, s) > most; {
		select {
		case <-tick:
		case <-ctx.Done():
			t.Fatalf("%d bytes still wait for the index", backlog(t, s))
		}
	}
}

// checkIndex checks that the text of each interaction is in the index or waits
// for it, and no other text does.
func checkIndex(t *testing.T, s *Store) {
	t.Helper()
	numbers := func(query string) (list []int64) {
		rows, err := s.db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close() //nolint:errcheck // Err tells
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			list = append(list, n)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return list
	}
	have := numbers("SELECT id FROM search_docsize")
	ready := len(have)
	rows, err := s.db.QueryContext(t.Context(), "SELECT least, size, codec, data FROM unindexed")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var least, size, c int64
		var data []byte
		if err := rows.Scan(&least, &size, &c, &data); err != nil {
			t.Fatal(err)
		}
		data, err := s.squeezer.expand(codec(c), data)
		if err != nil || int64(len(data)) != size {
			t.Fatalf("%d bytes of text, not %d: %v", len(data), size, err)
		}
		list, err := notedIn(data)
		if err != nil {
			t.Fatal(err)
		}
		first := list[0].n
		for _, x := range list {
			have, first = append(have, x.n), min(first, x.n)
		}
		if first != least {
			t.Errorf("the least number is %d, not %d", first, least)
		}
	}
	slices.Sort(have)
	want := numbers("SELECT n FROM interaction WHERE block IS NOT NULL ORDER BY n")
	if !slices.Equal(want, have) {
		t.Errorf("%d texts are known, %d of them indexed, of %d interactions", len(have), ready, len(want))
	}
}

// Texts are found before they are indexed, while they are, and after.
func TestTextsAreIndexedAtRest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for range 50 {
		finish(t, s, entry("a zebra"))
	}
	sync1(t, s)
	if backlog(t, s) == 0 || count(t, s, "search WHERE search MATCH 'zebra'") != 0 {
		t.Error("it is indexed at once")
	}
	beside, err := OpenReadOnly(t.Context(), dir) // it cannot write
	if err != nil {
		t.Fatal(err)
	}
	if n := finds(t, beside, "zeb"); n != 50 {
		t.Errorf("another process finds %d", n)
	}
	if backlog(t, s) == 0 {
		t.Error("another process's search has made the index")
	}
	checkIndex(t, s)
	closeStore(t, s)

	s = open(t, dir, Options{indexAfter: time.Millisecond})
	settled(t, s, 0)
	if n := count(t, s, "search WHERE search MATCH 'zebra'"); n != 50 {
		t.Errorf("%d are indexed", n)
	}
	checkIndex(t, s)
	if n := finds(t, beside, "a zebra say"); n != 0 {
		t.Errorf("another process finds %d of what nobody said", n)
	}
	if n := finds(t, beside, "say a zebra"); n != 50 {
		t.Errorf("another process finds %d", n)
	}
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
}

// A store that never rests indexes what would be too much to look through.
func TestUnindexedTextIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{maxUnindexed: 100_000})
	r := newRand(8)
	for range 400 {
		e := chat(r)
		e.SearchText = prose(r, 3000)
		finish(t, s, e)
	}
	sync1(t, s)
	settled(t, s, 100_000)
	if n := count(t, s, "search_docsize"); n < 100 {
		t.Errorf("only %d texts are indexed", n)
	}
	checkIndex(t, s)
}

// The text of what is deleted goes with it, whether it was indexed or not.
func TestRetentionOfUnindexed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	now := time.Now()
	add := func(text string, age time.Duration) {
		e := entry(text)
		e.Interaction.StartedAt = now.Add(-age)
		finish(t, s, e)
	}
	for range 20 {
		add("old zebra", 2*time.Hour)
	}
	sync1(t, s)
	indexed(t, s)
	for range 20 {
		add("old zebra", time.Hour)
		add("young zebra", 0)
	}
	closeStore(t, s)
	s = retained(t, dir, Options{Retain: 30 * time.Minute})
	checkIndex(t, s)
	if n := finds(t, s.Reader, "zebra"); n != 20 {
		t.Errorf("%d are found", n)
	}
	if n := finds(t, s.Reader, "old"); n != 0 {
		t.Errorf("%d are found that were deleted", n)
	}
}

// Texts that cannot be read are told of in a search, and given up by the index.
func TestDamagedTexts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	finish(t, s, entry("zebra"))
	closeStore(t, s)
	s = open(t, dir, Options{})
	if _, err := s.applier.conn.ExecContext(t.Context(), "INSERT INTO unindexed (least, size, codec, data) VALUES (1, 10, 2, x'ff00ff')"); err != nil {
		t.Fatal(err)
	}
	s.searched = nil
	if _, err := s.List(t.Context(), Query{Filter: filter.Text("zebra")}); err == nil {
		t.Error("a search that may have missed something says nothing")
	}
	closeStore(t, s)
	s = open(t, dir, Options{indexAfter: time.Millisecond})
	settled(t, s, 0)
	if n := finds(t, s.Reader, "zebra"); n != 1 {
		t.Errorf("%d are found", n)
	}
}

// An index that could not be written leaves everything as it was.
func TestIndexFailsWhole(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for range 10 {
		finish(t, s, entry("zebra"))
	}
	sync1(t, s)
	before := backlog(t, s)
	a := s.applier
	broken := errors.New("broken")
	err := a.transact(t.Context(), func() error {
		if _, err := a.indexSome(t.Context(), "SELECT id, size, codec, data FROM unindexed"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || backlog(t, s) != before || a.unindexed != before {
		t.Errorf("%v; %d and %d bytes wait, not %d", err, backlog(t, s), a.unindexed, before)
	}
	checkIndex(t, s)
	if n := finds(t, s.Reader, "zebra"); n != 10 {
		t.Errorf("%d are found", n)
	}
}
