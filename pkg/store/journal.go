package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	stop     chan struct{} // closed to end run
	ended    chan struct{} // closed when run has ended

	mu      sync.Mutex
	queue   []*pending
	queued  int64         // bytes, those being written included
	room    chan struct{} // closed and made anew when there is more room
	waiting bool          // someone waits for room
	closed  bool
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
}

// newJournal makes a journal whose first segment follows last.
func newJournal(dir string, last uint64, o Options) *journal {
	j := &journal{
		dir: dir, create: createSegment, maxQueue: o.QueueBytes, maxLag: o.JournalBytes,
		news: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		stop: make(chan struct{}), ended: make(chan struct{}), room: make(chan struct{}),
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

// add puts p into the queue. It waits for room until ctx ends; with a nil ctx it
// does not wait.
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
		if ctx == nil {
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
	j.queue = append(j.queue, p)
	j.queued += n
	j.mu.Unlock()
	poke(j.wake)
	return nil
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

// run writes until stop is closed, and then once more what is left.
func (j *journal) run() {
	defer close(j.ended)
	retry := time.NewTimer(0)
	<-retry.C
	defer retry.Stop()
	for stopping := false; !stopping; {
		select {
		case <-j.wake:
		case <-retry.C:
		case <-j.stop:
			stopping = true
		}
		err := j.drain()
		if err == nil {
			err = j.turnOver()
		}
		if err != nil {
			retry.Reset(retryAfter)
		}
	}
	if j.file != nil {
		if err := j.file.Close(); err != nil {
			j.failed(err)
		}
	}
}

// drain writes all that waits.
func (j *journal) drain() error {
	for {
		j.mu.Lock()
		j.writing = append(j.writing, j.queue...)
		clear(j.queue)
		j.queue = j.queue[:0]
		j.mu.Unlock()
		if len(j.writing) == 0 {
			return nil
		}
		for len(j.writing) > 0 {
			n, size, err := j.writeSome()
			if err != nil {
				j.failed(err)
				return err
			}
			j.wrote(n, size)
		}
	}
}

// writeSome writes the first frames that wait, in one write, and returns how
// many they were.
func (j *journal) writeSome() (n int, size int64, err error) {
	data := j.writing[0].frame
	for n = 1; n < len(j.writing) && len(data)+len(j.writing[n].frame) <= writeSize; n++ {
		if n == 1 {
			data = append(j.buf[:0], data...)
		}
		data = append(data, j.writing[n].frame...)
	}
	if n > 1 {
		j.buf = data
	}
	if len(data) == 0 {
		return n, 0, nil
	}
	if j.file == nil || j.at().offset >= segmentSize {
		if err := j.rotate(); err != nil {
			return 0, 0, err
		}
	}
	if _, err := j.file.Write(data); err != nil {
		// What was written in part must not stand before what follows. Where it
		// cannot be cut off, the next try begins a new segment.
		offset := j.at().offset
		err = errors.Join(err, j.file.Truncate(offset), j.file.Close())
		j.file = nil
		return 0, 0, err
	}
	return n, int64(len(data)), nil
}

func (j *journal) at() position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written
}

// rotate begins the next segment.
func (j *journal) rotate() error {
	j.number++
	if j.file != nil {
		err := j.file.Close()
		j.file = nil
		if err != nil {
			return err
		}
	}
	path := segmentPath(j.dir, j.number)
	f, err := j.create(path)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(segmentMagic)); err != nil {
		return errors.Join(err, f.Close(), removeFile(path))
	}
	j.file = f
	j.mu.Lock()
	j.ends[j.written.segment] = j.written.offset
	j.written = position{j.number, int64(len(segmentMagic))}
	j.mu.Unlock()
	return nil
}

// tidy asks for a new segment if the last one holds more than a little.
func (j *journal) tidy() {
	j.mu.Lock()
	j.turn = j.written.offset > tidySize
	j.mu.Unlock()
	poke(j.wake)
}

// turnOver begins a new segment if it was asked for.
func (j *journal) turnOver() error {
	j.mu.Lock()
	turn := j.turn && len(j.queue) == 0
	j.turn = false
	j.mu.Unlock()
	if !turn || j.file == nil {
		return nil
	}
	if err := j.rotate(); err != nil {
		j.failed(err)
		return err
	}
	poke(j.news)
	return nil
}

// wrote tells everyone that the first n frames, size bytes, are on disk.
func (j *journal) wrote(n int, size int64) {
	recorded := int64(0)
	for _, p := range j.writing[:n] {
		if p.entry {
			recorded++
		}
		p.tell(nil)
		recycle(p.frame)
	}
	rest := copy(j.writing, j.writing[n:])
	clear(j.writing[rest:])
	j.writing = j.writing[:rest]
	j.mu.Lock()
	j.written.offset += size
	j.queued -= size
	j.lag += size
	j.health.Recorded += recorded
	j.moreRoom()
	j.mu.Unlock()
	poke(j.news)
}

// failed tells everyone who waits that nothing could be written. The frames
// stay.
func (j *journal) failed(err error) {
	err = fmt.Errorf("write the journal: %w", err)
	j.mu.Lock()
	j.health.fail(err)
	j.mu.Unlock()
	for _, p := range j.writing {
		p.tell(err)
	}
}

// tell ends the wait for p.
func (p *pending) tell(err error) {
	if p.done != nil && !p.told {
		p.err, p.told = err, true
		close(p.done)
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

// end returns how far a segment may be read, and whether another follows it.
func (j *journal) end(segment uint64) (offset int64, more bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if segment == j.written.segment {
		return j.written.offset, false
	}
	return j.ends[segment], segment < j.written.segment // 0 for those that were never begun
}

// applied tells that size bytes more are in the database.
func (j *journal) applied(size int64) {
	j.mu.Lock()
	j.lag -= size
	j.moreRoom()
	j.mu.Unlock()
}

// remove removes the segments before pos.
func (j *journal) remove(pos position) error {
	j.mu.Lock()
	var old []uint64
	for n := range j.ends {
		if n < pos.segment {
			old = append(old, n)
			delete(j.ends, n)
		}
	}
	if j.written.segment < pos.segment { // all of them: the journal is closed
		old = append(old, j.written.segment)
	}
	j.mu.Unlock()
	var err error
	for _, n := range old {
		if e := os.Remove(segmentPath(j.dir, n)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
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
