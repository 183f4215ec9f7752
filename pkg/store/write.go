package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"
)

// run writes until stop is closed, and then once more what is left.
func (j *journal) run() {
	defer close(j.ended)
	retry := time.NewTimer(0)
	<-retry.C
	defer retry.Stop()
	defer j.later.Stop()
	for stopping := false; !stopping; {
		select {
		case <-j.wake:
		case <-j.later.C:
		case <-retry.C:
		case <-j.stop:
			stopping = true
		}
		// Whoever is about to record something goes first: one write for all of
		// them costs hardly more than one for each.
		runtime.Gosched()
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
		j.slack = false
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
