package store

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// told is what an earlier version said of an exchange.
type told struct {
	Interaction       json.RawMessage
	Request, Response string // SHA-256 of the bodies
}

// unpack makes the data directory of an archive.
func unpack(t *testing.T, path string) (dir string, want []told) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "data")
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == "want.jsonl" {
			for lines := bufio.NewReader(bytes.NewReader(data)); ; {
				line, err := lines.ReadBytes('\n')
				if err != nil {
					break
				}
				var w told
				if err := json.Unmarshal(line, &w); err != nil {
					t.Fatal(err)
				}
				want = append(want, w)
			}
			continue
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, want
}

// TestEarlierVersions opens what each earlier version has left, for reading and
// for writing, and finds everything as that version told it.
func TestEarlierVersions(t *testing.T) {
	archives, err := filepath.Glob("testdata/versions/*.tar.gz")
	if err != nil || len(archives) < 4 {
		t.Fatalf("%q, %v", archives, err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".tar.gz"), func(t *testing.T) {
			dir, want := unpack(t, path)
			if len(want) < 7 {
				t.Fatalf("it tells of %d exchanges", len(want))
			}
			r, err := OpenReadOnly(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			asTold(t, r, want)
			if err := r.Close(); err != nil {
				t.Error(err)
			}

			dir, _ = unpack(t, path) // as it was
			s := open(t, dir, Options{})
			if s.Health().Skipped != 0 {
				t.Errorf("%d records were lost", s.Health().Skipped)
			}
			asTold(t, s.Reader, want)
			e := entry("recorded by this version")
			finish(t, s, e)
			sync1(t, s)
			closeStore(t, s)

			s = open(t, dir, Options{})
			asTold(t, s.Reader, want)
			if got, err := s.Get(t.Context(), e.Interaction.ID); err != nil || got.Text != "recorded by this version" {
				t.Errorf("what was added: %v, %v", got, err)
			}
			closeStore(t, s)
		})
	}
}

// asTold compares what is recorded with what was told of it.
func asTold(t *testing.T, r *Reader, want []told) {
	t.Helper()
	for _, w := range want {
		var was llm.Interaction
		if err := json.Unmarshal(w.Interaction, &was); err != nil {
			t.Fatal(err)
		}
		got, err := r.Get(t.Context(), was.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plainJSON(t, &was), plainJSON(t, got)); diff != "" {
			t.Errorf("%s: %s", was.ID, diff)
		}
		for side, sum := range map[Side]string{Request: w.Request, Response: w.Response} {
			body, _, err := r.Body(t.Context(), was.ID, side)
			if err != nil {
				t.Errorf("%s: %v", was.ID, err)
				continue
			}
			if sum == "" && len(body.Data) == 0 {
				continue // it had not ended
			}
			if is := sha256.Sum256(body.Data); hex.EncodeToString(is[:]) != sum {
				t.Errorf("%s: a body of %d bytes is not what it was", was.ID, len(body.Data))
			}
		}
	}
	list, err := r.List(t.Context(), Query{})
	if err != nil || len(list) < len(want) {
		t.Errorf("%d of %d exchanges, %v", len(list), len(want), err)
	}
	for words, n := range map[string]int{"zeppelin": 1, "airship": 1, "provider:gemini hello": 1, "naïve": 1, "status:429": 1, "tool:look": 1, "profile:dev provider:anthropic": 1} {
		expr, err := filter.Parse(words)
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.List(t.Context(), Query{Filter: expr})
		if err != nil || len(found) != n {
			t.Errorf("%s finds %d, not %d: %v", words, len(found), n, err)
		}
	}
	profiles, err := r.Profiles(t.Context())
	if err != nil || len(profiles) < 2 {
		t.Errorf("profiles: %v, %v", profiles, err)
	}
}

// plainJSON is an interaction's JSON as a tree.
func plainJSON(t *testing.T, i *llm.Interaction) any {
	t.Helper()
	b, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Every step of the schema has a directory that was written before it, so that
// this version's step is tried on real data.
func TestEachVersionHasAFixture(t *testing.T) {
	steps, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		number := regexp.MustCompile(`^[0-9]{4}`).FindString(s.Name())
		if found, err := filepath.Glob("testdata/versions/" + number + "-*.tar.gz"); err != nil || len(found) == 0 {
			t.Errorf("no archive of a directory with schema %s; testdata/versions/README.md tells how one is made", number)
		}
	}
}

// A journal of a newer version is neither read nor removed.
func TestNewerJournal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	finish(t, s, entry("old"))
	closeStore(t, s)
	path := segmentPath(filepath.Join(dir, journalName), 7)
	newer := []byte("archjnl2 in a form that nobody knows yet")
	if err := os.WriteFile(path, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "newer version of archestra") {
		t.Errorf("Open: %v", err)
	}
	if _, err := OpenReadOnly(t.Context(), dir); !errors.Is(err, ErrNewer) {
		t.Errorf("OpenReadOnly: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, newer) {
		t.Errorf("the journal is %q now: %v", b, err)
	}
}
