package cassette

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Library is recorded exchanges by their requests. It is safe for concurrent use
// once everything has been added.
type Library struct {
	Rules *Rules
	Title string // what it is, for people

	entries []*entry
	byKey   map[string]*series
}

type entry struct {
	name, place string
	load        func(ctx context.Context) (*Episode, error)
}

// series are the exchanges of equal requests, in the order in which they were
// recorded.
type series struct {
	mu      sync.Mutex
	entries []*entry
	next    int
}

// take returns the exchange whose turn it is; the last one stays.
func (s *series) take() *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[s.next]
	s.next = min(s.next+1, len(s.entries)-1)
	return e
}

// NewLibrary returns a library that holds nothing.
func NewLibrary(title string, r *Rules) *Library {
	return &Library{Rules: r, Title: title, byKey: map[string]*series{}}
}

// Len is how many exchanges there are.
func (l *Library) Len() int { return len(l.entries) }

// Add adds an exchange behind those that were added before. load is called when
// it is needed, perhaps several times.
func (l *Library) Add(name string, q Request, load func(ctx context.Context) (*Episode, error)) {
	e := &entry{name: name, place: q.place(), load: load}
	l.entries = append(l.entries, e)
	key := q.Key()
	if l.byKey[key] == nil {
		l.byKey[key] = &series{}
	}
	l.byKey[key].entries = append(l.byKey[key].entries, e)
}

// find returns the exchange that answers a request, or nil.
func (l *Library) find(q Request) *entry {
	s := l.byKey[q.Key()]
	if s == nil {
		return nil
	}
	return s.take()
}

// ReadFolder reads the exchanges of a folder. The files are read again when they
// are needed, so that a large folder is not held in memory.
func ReadFolder(dir string, r *Rules) (*Library, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	l := NewLibrary("cassette "+dir, r)
	names := make([]string, 0, len(files))
	for _, f := range files {
		if name := f.Name(); !f.IsDir() && strings.HasSuffix(name, ".yaml") && name != rulesName && name[0] != '.' {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, byNumber)
	for _, name := range names {
		load := func(context.Context) (*Episode, error) {
			b, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the user's own folder
			if err != nil {
				return nil, err
			}
			e, err := r.decode(b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
			}
			e.Name = name
			return e, nil
		}
		e, err := load(context.Background())
		if err != nil {
			return nil, err
		}
		l.Add(name, e.Request, load)
	}
	return l, nil
}

// numberedName is a name as files are given: which of equal requests it is stands
// at its end.
var numberedName = regexp.MustCompile(`^(.*)-([0-9]+)\.yaml$`)

// byNumber sorts names with their numbers at the end as numbers.
func byNumber(a, b string) int {
	x, y := numberedName.FindStringSubmatch(a), numberedName.FindStringSubmatch(b)
	if x == nil || y == nil || x[1] != y[1] {
		return strings.Compare(a, b)
	}
	i, _ := strconv.Atoi(x[2])
	j, _ := strconv.Atoi(y[2])
	return i - j
}
