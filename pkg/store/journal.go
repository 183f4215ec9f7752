package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ErrClosed is returned by every method of a store that was closed.
var ErrClosed = errors.New("the store is closed")

const (
	segmentSize = 32 << 20  // a segment that has grown beyond is followed by a new one
	writeSize   = 256 << 10 // frames are gathered up to this for one write
	tidySize    = 256 << 10 // a segment that has grown beyond is given up when nothing happens
	retryAfter  = time.Second
	// startSlack is how long the beginning of an interaction may wait for another
	// frame to be written with. One that ends before is not written at all.
	startSlack = 20 * time.Millisecond
)

// segmentFile is what the journal needs of a file.
type segmentFile interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Close() error
}

// journal appends frames to the segments. Frames wait in a queue, bounded by
// their bytes; one goroutine writes all that wait in one go. What write(2) has
// taken survives the end of this process, so no fsync is waited for.
//
// A frame that was accepted stays in the queue until it is written, whatever
// fails in between, since later frames may refer to it.
type journal struct {
	dir      string
	create   func(path string) (segmentFile, error)
	maxQueue int64
	maxLag   int64         // bytes written and not yet applied
	news     chan struct{} // told when something was written
	wake     chan struct{} // tells run that something waits
	later    *time.Timer   // wakes run for beginnings, while slack
	stop     chan struct{} // closed to end run
	ended    chan struct{} // closed when run has ended

	mu      sync.Mutex
	queue   []*pending
	queued  int64         // bytes, those being written included
	room    chan struct{} // closed and made anew when there is more room
	waiting bool          // someone waits for room
	closed  bool
	slack   bool // later runs
	turn    bool // begin a new segment, so that the old one can go
	written position
	ends    map[uint64]int64 // of the segments before written.segment
	lag     int64            // bytes
	health  Health

	// For run alone.
	number  uint64 // of the last segment that was tried
	file    segmentFile
	writing []*pending // taken from the queue
	buf     []byte
}

// pending is a frame on its way to the disk. A frame without bytes is a mark.
type pending struct {
	frame []byte
	done  chan struct{} // closed when written, or when writing has failed once; nil if nobody waits
	err   error         // set before done is closed
	told  bool          // for the journal: done is closed
	entry bool          // it counts as recorded
	id    string        // of the interaction
}

// begins reports whether p notes the beginning of an interaction.
func (p *pending) begins() bool { return p.done == nil }

// newJournal makes a journal whose first segment follows last.
func newJournal(dir string, last uint64, o Options) *journal {
	j := &journal{
		dir: dir, create: createSegment, maxQueue: o.QueueBytes, maxLag: o.JournalBytes,
		news: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		stop: make(chan struct{}), ended: make(chan struct{}), room: make(chan struct{}),
		later:   time.NewTimer(startSlack),
		written: position{segment: last}, ends: map[uint64]int64{}, number: last,
	}
	if o.createSegment != nil {
		j.create = o.createSegment
	}
	return j
}

func createSegment(path string) (segmentFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := private(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// errFull tells that the queue has no room and that nobody wants to wait for it.
var errFull = errors.New("the recorder's queue is full")

// add puts p into the queue. If it is more than a beginning, it may wait for room
// until ctx ends.
func (j *journal) add(ctx context.Context, p *pending) error {
	n := int64(len(p.frame))
	j.mu.Lock()
	for {
		if j.closed {
			j.mu.Unlock()
			return ErrClosed
		}
		if n == 0 || j.queued == 0 && j.lag <= j.maxLag || j.queued+n <= j.maxQueue && j.lag+j.queued+n <= j.maxLag {
			break
		}
		if p.begins() {
			j.mu.Unlock()
			return errFull
		}
		room := j.room
		j.waiting = true
		j.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errFull, context.Cause(ctx))
		}
		j.mu.Lock()
	}
	if p.entry {
		j.supersede(p.id)
	}
	j.queue = append(j.queue, p)
	j.queued += n
	wake := !p.begins()
	if !wake && !j.slack {
		j.slack = true
		j.later.Reset(startSlack)
	}
	j.mu.Unlock()
	if wake {
		poke(j.wake)
	}
	return nil
}

// supersede empties the frame that tells of an interaction's beginning if it
// still waits: its end says all of it.
func (j *journal) supersede(id string) {
	const near = 64 // more than begin in a moment
	for i := len(j.queue) - 1; i >= max(0, len(j.queue)-near); i-- {
		if p := j.queue[i]; p.begins() && p.id == id {
			j.queued -= int64(len(p.frame))
			recycle(p.frame)
			p.frame = nil
			return
		}
	}
}

// wait waits until p is written.
func (p *pending) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
	}
	select {
	case <-p.done:
		return p.err
	default:
		return fmt.Errorf("not yet recorded: %w", context.Cause(ctx))
	}
}

// flush waits until everything that was added before is written.
func (j *journal) flush(ctx context.Context) error {
	p := &pending{done: make(chan struct{})}
	if err := j.add(ctx, p); err != nil {
		return err
	}
	return p.wait(ctx)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (j *journal) count(change func(h *Health)) {
	j.mu.Lock()
	change(&j.health)
	j.mu.Unlock()
}

func (j *journal) moreRoom() {
	if j.waiting {
		close(j.room)
		j.room = make(chan struct{})
		j.waiting = false
	}
}

// close refuses new frames, and writes what waits. It returns an error if not
// everything could be written before ctx ended.
func (j *journal) close(ctx context.Context) error {
	j.mu.Lock()
	if !j.closed {
		j.closed = true
		close(j.stop)
	}
	j.mu.Unlock()
	select {
	case <-j.ended:
	case <-ctx.Done():
		return fmt.Errorf("close the journal: %w", context.Cause(ctx))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.queued > 0 {
		return fmt.Errorf("%d bytes could not be recorded: %w", j.queued, j.health.lastErr)
	}
	return nil
}
