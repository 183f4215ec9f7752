package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

type hash [sha256.Size]byte

// blob is a large part of a body, kept in a file that is named by its content.
type blob struct {
	hash  hash
	size  int64
	codec codec
	kept  int64 // bytes on disk
}

// blobs are the files for what is too large for journal and database. A blob is
// written before the record that names it, under a name of its own until it is
// whole, and pinned until that record is in the database, so that it is not
// collected in between.
type blobs struct {
	dir      string
	squeezer *squeezer

	mu        sync.Mutex
	free      sync.Cond // a condemned blob is gone
	pins      map[hash]int
	condemned map[hash]bool
}

func newBlobs(dir string, q *squeezer) *blobs {
	b := &blobs{dir: dir, squeezer: q, pins: map[hash]int{}, condemned: map[hash]bool{}}
	b.free.L = &b.mu
	return b
}

// path returns a blob's place: compressed ones have a name of their own.
func (b *blobs) path(h hash, c codec) string {
	name := hex.EncodeToString(h[:])
	if c == zstandard {
		name += ".zst"
	}
	return filepath.Join(b.dir, name)
}

// put keeps data and pins its blob.
func (b *blobs) put(data []byte) (blob, error) {
	h := hash(sha256.Sum256(data))
	b.pin(h)
	out := blob{hash: h, size: int64(len(data))}
	for _, c := range []codec{plain, zstandard} {
		if info, err := os.Stat(b.path(h, c)); err == nil {
			out.codec, out.kept = c, info.Size()
			return out, nil
		}
	}
	var kept []byte
	out.codec, kept = b.squeezer.squeeze(nil, data)
	out.kept = int64(len(kept))
	if err := b.write(b.path(h, out.codec), kept); err != nil {
		b.unpin(h)
		return blob{}, fmt.Errorf("keep a large body: %w", err)
	}
	return out, nil
}

func (b *blobs) write(path string, data []byte) error {
	f, err := os.CreateTemp(b.dir, "new-*") // made with 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, removeFile(f.Name()))
	}
	return nil
}

// read returns a blob's content.
func (b *blobs) read(h hash, c codec) ([]byte, error) {
	path := b.path(h, c)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		// The first version's place, from which only a writer takes it: see sweep.
		if old, e := os.ReadFile(filepath.Join(b.dir, hex.EncodeToString(h[:1]), filepath.Base(path))); e == nil {
			data, err = old, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return b.squeezer.expand(c, data)
}

func (b *blobs) pin(h hash) {
	b.mu.Lock()
	for b.condemned[h] {
		b.free.Wait() // for the removal of one file
	}
	b.pins[h]++
	b.mu.Unlock()
}

func (b *blobs) unpin(list ...hash) {
	b.mu.Lock()
	for _, h := range list {
		if b.pins[h]--; b.pins[h] <= 0 {
			delete(b.pins, h)
		}
	}
	b.mu.Unlock()
}

// condemn marks a blob for removal, unless someone is about to use it.
func (b *blobs) condemn(h hash) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pins[h] > 0 {
		return false
	}
	b.condemned[h] = true
	return true
}

// release ends what condemn began, with the files removed or not.
func (b *blobs) release(list []blob, remove bool) error {
	var err error
	if remove {
		for _, x := range list {
			err = errors.Join(err, removeFile(b.path(x.hash, x.codec)))
		}
	}
	b.mu.Lock()
	for _, x := range list {
		delete(b.condemned, x.hash)
	}
	b.mu.Unlock()
	b.free.Broadcast()
	return err
}

// sweep removes files that nothing knows: a killed process leaves them. Those that
// the first version put into folders of their own come out of them. It must run
// before anything is put.
func (b *blobs) sweep(known func(h hash, c codec) bool) error {
	var folders []string
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != b.dir {
				folders = append(folders, path)
			}
			return nil
		}
		c := plain
		name, compressed := strings.CutSuffix(d.Name(), ".zst")
		if compressed {
			c = zstandard
		}
		raw, err := hex.DecodeString(name)
		if err == nil && len(raw) == len(hash{}) && known(hash(raw), c) {
			if place := b.path(hash(raw), c); place != path {
				return os.Rename(path, place)
			}
			return nil
		}
		return removeFile(path)
	})
	for _, f := range folders {
		_ = os.Remove(f) // one that is not empty is not ours
	}
	return err
}
