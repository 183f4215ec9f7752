package rules

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// file is one file of rules, as it was last read and as it is in force.
type file struct {
	path    string
	project bool

	seen    state  // as last taken in
	pending *state // as last glanced at, where it may still be written
	good    []byte // the text in force; nil is none
	// problem is why seen is not in force, and rejected that its text is the
	// reason, so that it may hold once another file changes.
	problem  string
	rejected bool
	logged   string // the problem that the log knows
}

// state is a file at a moment.
type state struct {
	info fs.FileInfo // nil is no file
	err  error       // why it can not be looked at
	data []byte      // once it was read; nil is no file
}

// same tells whether two glances saw the same file.
func (s state) same(o state) bool {
	if s.info == nil || o.info == nil {
		return s.info == nil && o.info == nil && (s.err == nil) == (o.err == nil)
	}
	return os.SameFile(s.info, o.info) && s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime()) && s.info.Mode() == o.info.Mode()
}

// glance looks at a file without reading it.
func glance(path string) state {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return state{}
	case err != nil:
		return state{err: err}
	}
	return state{info: info}
}

// maxFile bounds what is read; package policy takes less.
const maxFile = 2 << 20

var errBusy = errors.New("it is being written")

// read reads a file. One that is not there is no error.
func read(path string) (state, error) {
	if s := glance(path); s.err != nil {
		return state{}, s.err
	} else if s.info == nil {
		return state{}, nil
	} else if !s.info.Mode().IsRegular() { // to open a pipe would wait for its writer
		return state{}, errors.New("it is no regular file")
	}
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	defer in.Close()
	before, err := in.Stat()
	if err != nil {
		return state{}, err
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err != nil {
		return state{}, err
	}
	after, err := in.Stat()
	if err != nil {
		return state{}, err
	}
	s := state{info: after, data: data}
	if !s.same(state{info: before}) || int64(len(data)) != min(after.Size(), maxFile) {
		return state{}, errBusy
	}
	return s, nil
}

// quiet is how long a file must not have been written to before it is read, unless
// two looks in a row saw the same: an editor may be at it.
const quiet = 500 * time.Millisecond

// look takes in the file if it has changed and seems whole. It tells whether there
// is something new, be it a text or a problem.
func (f *file) look() bool {
	now := glance(f.path)
	if now.same(f.seen) {
		f.pending = nil
		return false
	}
	settled := f.pending != nil && now.same(*f.pending)
	if !settled && (now.info == nil || time.Since(now.info.ModTime()) < quiet) {
		f.pending = &now
		return false
	}
	f.pending = nil
	return f.take(now)
}

// take reads what a glance found.
func (f *file) take(now state) bool {
	problem := ""
	switch {
	case now.err != nil:
		problem = f.path + " can not be read: " + reason(now.err)
	case now.info == nil && f.good != nil:
		problem = f.path + " is gone; put it back, or restart archestra to be without it"
	case now.info != nil:
		s, err := read(f.path)
		switch {
		case errors.Is(err, errBusy) || err == nil && s.info == nil:
			f.pending = &now
			return false
		case err != nil:
			problem = f.path + " can not be read: " + reason(err)
		case blank(s.data) && !blank(f.good):
			now, problem = s, f.path+` is empty; "version: 1" alone is a file without rules`
		default:
			now = s
		}
	}
	f.seen, f.problem, f.rejected = now, problem, false
	return true
}

func blank(data []byte) bool { return len(bytes.TrimSpace(data)) == 0 }

// reason is an error without the path, which the sentence names.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return err.Error()
}
