package rules

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/policy"
)

// Options say where the rules stand.
type Options struct {
	File    string       // the user's file; it need not exist. "" is none
	Project string       // a project's file, which may only tighten. "" is none
	Log     *slog.Logger // nil is silent
	// Every is how often the files are looked at, at most; 0 is a second.
	Every time.Duration
}

// Rules are the rules in force. They are safe for concurrent use.
type Rules struct {
	log     *slog.Logger
	every   time.Duration
	current atomic.Pointer[policy.Policy]
	// origin and looked say, by the monotonic clock, when the files were looked at.
	origin time.Time
	looked atomic.Int64

	mu    sync.Mutex // held while files are read or written
	files []*file    // the user's, then the project's

	told     sync.Mutex // guards problems, which a reader must not wait for a disk to get
	problems []string
}

// Open reads the files. A file that is there and does not load is an error: rules
// that somebody wrote and that do not hold would be worse than none.
func Open(o Options) (*Rules, error) {
	r := &Rules{log: o.Log, every: o.Every, origin: time.Now()}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.every <= 0 {
		r.every = time.Second
	}
	if o.File != "" {
		r.files = append(r.files, &file{path: o.File})
	}
	if o.Project != "" {
		r.files = append(r.files, &file{path: o.Project, project: true})
	}
	for _, f := range r.files {
		s, err := read(f.path)
		if err != nil {
			return nil, fmt.Errorf("%s can not be read: %s", f.path, reason(err))
		}
		f.seen, f.good = s, s.data
	}
	p, err := r.load()
	if err != nil {
		return nil, err
	}
	r.current.Store(p)
	return r, nil
}

// load compiles the good texts.
func (r *Rules) load() (*policy.Policy, error) {
	var files []policy.File
	for _, f := range r.files {
		if f.good != nil {
			files = append(files, policy.File{Name: f.path, Data: f.good, Project: f.project})
		}
	}
	return policy.Load(files...)
}

// Policy returns the rules in force. At most once in Options.Every it looks whether
// a file has changed; otherwise it costs a glance at the clock.
func (r *Rules) Policy() *policy.Policy {
	now := int64(time.Since(r.origin))
	last := r.looked.Load()
	if now-last >= int64(r.every) && r.looked.CompareAndSwap(last, now) {
		r.look()
	}
	return r.current.Load()
}

// Problems tells, in sentences, what keeps a file from being in force as it is now.
func (r *Rules) Problems() []string {
	r.Policy()
	r.told.Lock()
	defer r.told.Unlock()
	return append([]string(nil), r.problems...)
}

// Files returns the paths of the files whose rules are in force.
func (r *Rules) Files() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var paths []string
	for _, f := range r.files {
		if f.good != nil {
			paths = append(paths, f.path)
		}
	}
	return paths
}

// look takes in what changed. Where somebody else reads or writes the files at the
// moment, it leaves that to them.
func (r *Rules) look() {
	if !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	changed := false
	for _, f := range r.files {
		changed = f.look() || changed
	}
	if changed {
		r.adopt()
	}
}

// adopt puts the newest texts in force, all of them or, where they do not load,
// those that do.
func (r *Rules) adopt() {
	if !r.try(r.files) {
		for _, f := range r.files {
			r.try([]*file{f})
		}
	}
	r.tell()
}

// try puts the newest texts of some files in force, beside the good ones of the
// others, if they load.
func (r *Rules) try(files []*file) bool {
	before := make([][]byte, len(files))
	for i, f := range files {
		before[i] = f.good
		if f.problem == "" || f.rejected {
			f.good = f.seen.data
		}
	}
	p, err := r.load()
	if err == nil {
		for _, f := range files {
			if f.rejected {
				f.problem, f.rejected = "", false
			}
		}
		r.current.Store(p)
		return true
	}
	for i, f := range files {
		f.good = before[i]
	}
	if len(files) == 1 {
		files[0].problem, files[0].rejected = sentence(err), true
	}
	return false
}

// sentence tells the first faults of a file in a line.
func sentence(err error) string {
	const most = 3
	lines := strings.Split(err.Error(), "\n")
	if n := len(lines) - most; n > 0 {
		lines = append(lines[:most], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(lines, "; ")
}

// tell logs each change once, and keeps the problems for who asks.
func (r *Rules) tell() {
	var now []string
	for _, f := range r.files {
		switch {
		case f.problem == f.logged:
		case f.problem != "":
			r.log.Error("the rules were changed and do not hold; the ones before stay in force", "file", f.path, "problem", f.problem)
		default:
			r.log.Info("the rules hold again", "file", f.path)
		}
		f.logged = f.problem
		if f.problem != "" {
			now = append(now, "The rules of before stay in force: "+f.problem)
		}
	}
	r.told.Lock()
	defer r.told.Unlock()
	r.problems = now
}
