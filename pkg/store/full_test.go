package store

import (
	"fmt"
	"testing"
)

// Where the disk has no room for the index, what waits is found all the same, and is
// indexed once there is room.
func TestIndexOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := newRand(3)
	for range 300 {
		finish(t, s, chat(r))
	}
	finish(t, s, entry("a zebra"))
	sync1(t, s)
	pragma := func(text string) (n int64) {
		if err := s.applier.conn.QueryRowContext(t.Context(), "PRAGMA "+text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	most := pragma("max_page_count")
	pragma(fmt.Sprintf("max_page_count = %d", pragma("page_count")))
	waits := backlog(t, s)
	for range 3 {
		before := s.Health().Failures
		if n := finds(t, s.Reader, "zebra"); n != 1 {
			t.Errorf("%d are found", n)
		}
		until(t, "a failure", func() bool { return s.Health().Failures > before })
	}
	if n := backlog(t, s); n != waits {
		t.Errorf("%d bytes wait, not %d", n, waits)
	}
	checkIndex(t, s)
	pragma(fmt.Sprintf("max_page_count = %d", most))
	indexed(t, s)
	if n := finds(t, s.Reader, "zebra"); n != 1 {
		t.Errorf("%d are found", n)
	}
	checkIndex(t, s)
}
