package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// Options are a store's settings. The zero value of each means its default.
type Options struct {
	// Retain is how long interactions are kept. 0 is for ever.
	Retain time.Duration
	// RetainSize is about how many bytes the data directory may take; the oldest
	// interactions go first. 0 is no limit.
	RetainSize int64
	// QueueBytes bounds what waits for the disk in memory. 64 MiB.
	QueueBytes int64
	// JournalBytes bounds what waits for the database on disk. 1 GiB.
	JournalBytes int64
	// CacheBytes bounds the last requests of conversations that are kept in
	// memory, to find what the next ones repeat. 16 MiB.
	CacheBytes int
	// Log gets what goes wrong behind the answers. Nothing, if nil.
	Log *slog.Logger

	// Texts are indexed when nothing has happened for indexAfter, or when more than
	// maxUnindexed bytes of them wait: each search reads all of those. 30 s, 64 MiB.
	indexAfter   time.Duration
	maxUnindexed int64

	createSegment func(path string) (segmentFile, error) // for tests
}

func (o Options) withDefaults() Options {
	if o.QueueBytes == 0 {
		o.QueueBytes = 64 << 20
	}
	if o.JournalBytes == 0 {
		o.JournalBytes = 1 << 30
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 16 << 20
	}
	if o.indexAfter == 0 {
		o.indexAfter = 30 * time.Second
	}
	if o.maxUnindexed == 0 {
		o.maxUnindexed = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store records interactions and answers queries about them. It is a
// [record.Sink]. All methods may be called concurrently.
type Store struct {
	*Reader

	options Options
	lock    *os.File
	journal *journal
	bases   *bases
	applier *applier

	urge    chan struct{}      // asks the applier not to wait
	search  chan struct{}      // tells the applier that someone searches
	clean   chan chan struct{} // asks for retention now, and is told when it is done
	stop    chan struct{}      // ends the applier
	ended   chan struct{}      // the applier has ended
	closing sync.Once
	closed  chan struct{}
	err     error // of closing

	mu      sync.Mutex
	applied position
	changed chan struct{} // closed and made anew when applied has changed
}

var _ record.Sink = (*Store)(nil)

// Open opens the store in a data directory for writing, and makes it if it is
// not there. What a process that died has left in the journal is brought into
// the database first, and its interactions that had not ended become
// interrupted. It returns a [LockedError] while another process has the
// directory open for writing.
func Open(ctx context.Context, dir string, o Options) (_ *Store, err error) {
	o = o.withDefaults()
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	s := &Store{
		options: o, bases: newBases(o.CacheBytes),
		urge: make(chan struct{}, 1), search: make(chan struct{}, 1), clean: make(chan chan struct{}), stop: make(chan struct{}), ended: make(chan struct{}),
		closed: make(chan struct{}), changed: make(chan struct{}),
	}
	if s.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.lock.Close())
		}
	}()
	q, err := newSqueezer()
	if err != nil {
		return nil, err
	}
	files := newBlobs(filepath.Join(dir, blobsName), q)
	s.applier = &applier{
		dir: filepath.Join(dir, journalName), blobs: files, bases: s.bases, squeezer: q, log: o.Log,
		recipes: newRecipes(100_000), intern: map[string]string{},
	}
	if err := s.applier.openWriter(ctx, filepath.Join(dir, databaseName)); err != nil {
		return nil, errors.Join(err, q.close())
	}
	skipped, err := s.applier.recover(ctx)
	if err != nil {
		return nil, errors.Join(err, s.applier.close(), q.close())
	}
	s.Reader, err = openReader(ctx, dir, q, files, false)
	if err != nil {
		return nil, errors.Join(err, s.applier.close(), q.close())
	}
	s.searched = func() { poke(s.search) }
	s.journal = newJournal(s.applier.dir, s.applier.pos.segment, o)
	s.journal.health.Skipped = skipped
	s.applier.journal = s.journal
	s.applied = s.applier.pos
	go s.journal.run()
	go s.run()
	return s, nil
}

// Start notes that an interaction has begun. It does not wait.
func (s *Store) Start(i *llm.Interaction) {
	frame, err := endFrame(appendRow(newFrame(frameStart), rowOf(i)))
	if err == nil {
		err = s.journal.add(context.Background(), &pending{frame: frame, id: i.ID})
	}
	if err != nil {
		s.journal.count(func(h *Health) { h.LostStarts++ })
	}
}

// Finish keeps an entry. It returns nil once a kill of this process cannot lose
// the entry, though a power cut within the next seconds still could. When ctx
// ends before that, or the disk refuses, it returns an error, and the entry is
// kept nevertheless as soon as that is possible, unless the error is ErrClosed
// or says that the queue is full.
//
// Large parts of a body are written to their files in Finish itself, which ctx
// does not cut short. If one cannot be written, the entry is kept without the
// rest of that body, and the error tells so.
func (s *Store) Finish(ctx context.Context, e *record.Entry) error {
	enc := encoders.Get().(*encoder)
	enc.blobs = s.files
	defer enc.recycle()
	follows := e.Conversation != 0 && e.Request.File == nil && len(e.Request.Data) >= smallBody
	var old likeness
	var continued *base
	if follows {
		if old = s.bases.get(e.Conversation, e.Request.Data); old.continues() {
			continued = old.base
		}
	}
	frame, err := endFrame(appendEntry(newFrame(frameEntry), e, old, enc))
	if old.base != nil && (err != nil || !enc.shares) {
		s.bases.unref(old.id)
		old.base = nil
	}
	p := &pending{frame: frame, done: make(chan struct{}), entry: true, id: e.Interaction.ID}
	if err == nil {
		err = s.journal.add(ctx, p)
	}
	if err != nil {
		if old.base != nil {
			s.bases.unref(old.id)
		}
		s.files.unpin(enc.pinned...)
		s.journal.count(func(h *Health) { h.Refused++; h.fail(err) })
		return fmt.Errorf("record %s: %w", e.Interaction.ID, err)
	}
	if follows && enc.err == nil {
		s.bases.put(&base{conversation: e.Conversation, id: e.Interaction.ID, data: e.Request.Data}, continued)
	}
	if err = p.wait(ctx); err != nil {
		s.journal.count(func(h *Health) { h.Late++ })
	}
	if enc.err != nil {
		s.journal.count(func(h *Health) { h.fail(enc.err) })
		err = errors.Join(err, enc.err)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Interaction.ID, err)
	}
	return nil
}

// Sync waits until everything that was finished before is visible to queries, or
// until ctx ends.
func (s *Store) Sync(ctx context.Context) error {
	if err := s.journal.flush(ctx); err != nil {
		return err
	}
	want := s.journal.at()
	for {
		s.mu.Lock()
		applied, changed := s.applied, s.changed
		s.mu.Unlock()
		if !applied.before(want) {
			return nil
		}
		poke(s.urge)
		select {
		case <-changed:
		case <-s.ended:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("bring the records into the database: %w", context.Cause(ctx))
		}
	}
}

// Close brings everything into the database and closes the store. If ctx ends
// first it returns an error, and closing goes on in the background.
func (s *Store) Close(ctx context.Context) error {
	s.closing.Do(func() { go s.shutdown() })
	select {
	case <-s.closed:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("close the store: %w", context.Cause(ctx))
	}
}

func (s *Store) shutdown() {
	defer close(s.closed)
	err := s.journal.close(context.Background())
	close(s.stop)
	<-s.ended
	err = errors.Join(err, s.Reader.Close())
	if !s.applier.pos.before(s.journal.at()) {
		if e := s.applier.checkpoint(context.Background()); e == nil {
			e = s.journal.remove(position{segment: math.MaxUint64})
			err = errors.Join(err, e)
		} else {
			err = errors.Join(err, e)
		}
	}
	s.err = errors.Join(err, s.applier.close(), s.squeezer.close(), s.lock.Close())
}

func (s *Store) publish(pos position) {
	s.mu.Lock()
	s.applied = pos
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
}
