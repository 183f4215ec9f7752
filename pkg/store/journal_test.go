package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// crash copies a data directory as a kill would leave it at this moment: without
// Close, and with SQLite's log as it stands.
func crash(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A journal that ends anywhere in its last record gives all records before it.
func TestTornJournal(t *testing.T) {
	dir := t.TempDir()
	if err := makeDir(dir); err != nil {
		t.Fatal(err)
	}
	one, two := entry("one"), entry("two")
	one.Interaction.Notes, two.RequestHeader, two.ResponseHeader = nil, nil, nil
	s := &encoder{}
	data := []byte(segmentMagic)
	var ends []int
	for _, e := range []*record.Entry{one, two} {
		frame, err := endFrame(appendEntry(beginFrame(nil, frameEntry), e, likeness{}, s))
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, frame...)
		ends = append(ends, len(data))
	}
	// Every cut is read, and some are opened as a store.
	for cut := ends[0]; cut <= ends[1]; cut++ {
		n, err := readFrames(t, data[:cut])
		if atEnd := cut == ends[0] || cut == ends[1]; n == 2 != (cut == ends[1]) || errors.Is(err, io.EOF) != atEnd {
			t.Fatalf("cut at %d: %d frames, %v", cut, n, err)
		}
		switch cut {
		case ends[0], ends[0] + 1, ends[0] + 4, ends[0] + frameHead, ends[0] + 100, ends[1] - 1, ends[1]:
		default:
			continue
		}
		dir := t.TempDir()
		if err := makeDir(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(segmentPath(filepath.Join(dir, journalName), 1), data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := []string{one.Interaction.ID}
		if cut == ends[1] {
			want = append(want, two.Interaction.ID)
		}
		if got := recorded(t, dir); !slices.Equal(got, want) {
			t.Fatalf("cut at %d: %v", cut, got)
		}
	}
	// A byte that has changed ends the journal as well.
	for at := ends[0]; at < ends[1]; at += 5 {
		broken := slices.Clone(data)
		broken[at] ^= 0x10
		if n, err := readFrames(t, broken); n != 1 || !errors.Is(err, errTorn) {
			t.Fatalf("byte %d: %d frames, %v", at, n, err)
		}
	}
}

func readFrames(t *testing.T, data []byte) (n int, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(segmentPath(dir, 1), data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := openSegment(dir, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close() //nolint:errcheck // it was only read
	for {
		if _, _, err = r.next(int64(len(data))); err != nil {
			return n, err
		}
		n++
	}
}

// recorded opens a store and returns the ids in it.
func recorded(t *testing.T, dir string) (ids []string) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	for i, err := range s.Each(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, i.ID)
	}
	return ids
}

// What was in the journal alone is in the database after the next start, bodies
// that refer to earlier ones included.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	turns := session(6, 45<<10, 80<<10)
	var entries []*record.Entry
	for n, body := range turns {
		e := entry(fmt.Sprint("turn ", n))
		e.Request.Data, e.Conversation = body, 5
		e.Response.Data = random(newRand(uint64(n)), 1200<<10) // in a blob
		finish(t, s, e)
		entries = append(entries, e)
		if n == 2 {
			sync1(t, s) // the others are in the journal only
		}
	}
	left := entry("left")
	left.Interaction.State = llm.StateStreaming
	s.Start(left.Interaction)
	if err := s.journal.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	copied := crash(t, dir)
	closeStore(t, s)

	s = open(t, copied, Options{})
	for n, e := range entries {
		for side, want := range [][]byte{e.Request.Data, e.Response.Data} {
			got, _, err := s.Body(t.Context(), e.Interaction.ID, Side(side))
			if err != nil || !bytes.Equal(got.Data, want) {
				t.Errorf("turn %d, side %d: %d bytes, %v", n, side, len(got.Data), err)
			}
		}
	}
	if got, err := s.Get(t.Context(), left.Interaction.ID); err != nil || got.State != llm.StateInterrupted {
		t.Errorf("left: %+v, %v", got, err)
	}
	if h := s.Health(); h.Skipped != 0 {
		t.Errorf("health %+v", h)
	}
}

// brokenDisk fails writes, after having taken a part of them.
type brokenDisk struct {
	*os.File
	broken *atomic.Bool
}

func (d brokenDisk) Write(p []byte) (int, error) {
	if d.broken.Load() {
		n, _ := d.File.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	return d.File.Write(p)
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	var broken atomic.Bool
	s := open(t, dir, Options{QueueBytes: 20_000, createSegment: func(path string) (segmentFile, error) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return brokenDisk{f, &broken}, err
	}})
	before := entry("before")
	finish(t, s, before)
	broken.Store(true)
	var late []*record.Entry
	var refused error
	for n := 0; refused == nil && n < 1000; n++ {
		e := entry(fmt.Sprint("late ", n))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := s.Finish(ctx, e)
		cancel()
		switch {
		case err == nil:
			t.Fatal("an entry was recorded on a full disk")
		case errors.Is(err, errFull):
			refused = err
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, context.DeadlineExceeded):
			late = append(late, e)
		default:
			t.Fatal(err)
		}
	}
	if len(late) < 5 || !errors.Is(refused, context.DeadlineExceeded) {
		t.Fatalf("%d were accepted, then %v", len(late), refused)
	}
	if h := s.Health(); !h.Failing() || h.Refused != 1 || h.Late != int64(len(late)) || h.QueuedBytes == 0 || h.LastError == "" {
		t.Errorf("health %+v", h)
	}
	broken.Store(false)
	after := entry("after")
	finish(t, s, after) // and with it all that wait
	sync1(t, s)
	want := []string{before.Interaction.ID}
	for _, e := range append(late, after) {
		want = append(want, e.Interaction.ID)
	}
	closeStore(t, s)
	if got := recorded(t, dir); !slices.Equal(got, want) {
		t.Errorf("%d of %d are recorded", len(got), len(want))
	}
}

// Finish ends with its context when the disk stalls, and the entry is kept.
func TestSlowDisk(t *testing.T) {
	gate := make(chan struct{})
	s := open(t, t.TempDir(), Options{createSegment: func(path string) (segmentFile, error) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return stalled{f, gate}, err
	}})
	e := entry("slow")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Finish(ctx, e); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Finish: %v", err)
	}
	close(gate)
	sync1(t, s)
	if _, err := s.Get(t.Context(), e.Interaction.ID); err != nil {
		t.Error(err)
	}
}

type stalled struct {
	*os.File
	gate chan struct{}
}

func (s stalled) Write(p []byte) (int, error) {
	<-s.gate
	return s.File.Write(p)
}

// A record that cannot be applied costs itself, not those behind it.
func TestDamagedRecord(t *testing.T) {
	dir := t.TempDir()
	if err := makeDir(dir); err != nil {
		t.Fatal(err)
	}
	data := []byte(segmentMagic)
	for n := range 3 {
		e := entry(fmt.Sprint(n))
		frame := appendEntry(beginFrame(nil, frameEntry), e, likeness{}, &encoder{})
		if n == 1 {
			frame = frame[:len(frame)-20] // sound sum, but not what it should be
		}
		frame, err := endFrame(frame)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, frame...)
	}
	if err := os.WriteFile(segmentPath(filepath.Join(dir, journalName), 3), data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	list, err := s.List(t.Context(), Query{})
	if err != nil || len(list) != 2 || list[0].Text != "0" || list[1].Text != "2" {
		t.Errorf("%v, %v", list, err)
	}
	if h := s.Health(); h.Skipped != 1 {
		t.Errorf("health %+v", h)
	}
}

// The journal does not grow for ever, and neither does what it leaves.
func TestJournalIsTidied(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for range 4 {
		e := entry("big")
		e.Response.Data = random(newRand(1), 200<<10)
		finish(t, s, e)
	}
	sync1(t, s)
	s.journal.tidy()
	until(t, "the end of the first segment", func() bool {
		numbers, err := segments(filepath.Join(dir, journalName))
		if err != nil {
			t.Fatal(err)
		}
		return len(numbers) == 1 && numbers[0] == 2
	})
	finish(t, s, entry("more"))
	sync1(t, s)
	closeStore(t, s)
	if numbers, err := segments(filepath.Join(dir, journalName)); err != nil || len(numbers) != 0 {
		t.Errorf("after Close: segments %v, %v", numbers, err)
	}
	if got := recorded(t, dir); len(got) != 5 {
		t.Errorf("%d are recorded", len(got))
	}
}

func FuzzSegment(f *testing.F) {
	frame, err := endFrame(append(beginFrame(nil, frameEntry), "payload"...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Add(frame[:5])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := segmentPath(t.TempDir(), 1)
		if err := os.WriteFile(path, append([]byte(segmentMagic), data...), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := openSegment(filepath.Dir(path), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close() //nolint:errcheck // it was only read
		for {
			_, _, err := r.next(int64(len(segmentMagic) + len(data)))
			if errors.Is(err, errTorn) || errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The beginning of what ends at once is not written.
func TestBeginningIsSuperseded(t *testing.T) {
	j := newJournal(t.TempDir(), 0, Options{}.withDefaults())
	add := func(p *pending) {
		t.Helper()
		if err := j.add(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	woken := func() bool {
		select {
		case <-j.wake:
			return true
		default:
			return false
		}
	}
	begun := func(id string) *pending { return &pending{frame: []byte("begun"), id: id} }
	a, b := begun("a"), begun("b")
	add(a)
	add(b)
	if woken() || !j.slack {
		t.Error("a beginning does not wait for company")
	}
	add(&pending{frame: []byte("end of b"), done: make(chan struct{}), entry: true, id: "b"})
	if !woken() {
		t.Error("an end waits")
	}
	if string(a.frame) != "begun" || b.frame != nil || j.queued != int64(len("begun")+len("end of b")) {
		t.Errorf("%q, %q, %d bytes are queued", a.frame, b.frame, j.queued)
	}
	// A lone beginning is written in a while.
	go j.run()
	add(begun("c"))
	deadline := time.After(time.Minute)
	for j.at().offset != int64(len(segmentMagic)+len("begun"+"end of b"+"begun")) {
		select {
		case <-j.news:
		case <-deadline:
			t.Fatalf("at %v", j.at())
		}
	}
	if err := j.close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
