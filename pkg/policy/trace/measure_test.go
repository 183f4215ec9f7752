package trace_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
)

// Many goroutines count what one does, gzipped or not.
func TestMeasure(t *testing.T) {
	defer leaktest.None(t)
	text, err := os.ReadFile(filepath.Join("testdata", "sample.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	data := sample(t)
	var want trace.Table
	for range 20 {
		for _, r := range data.runs {
			want.Add(r, data.replayer().Replay)
		}
	}
	many := bytes.Repeat(text, 20)
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write(many); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"plain": many, "gzipped": zipped.Bytes()} {
		for _, workers := range []int{1, 4} {
			var got trace.Table
			if err := got.Measure(t.Context(), bytes.NewReader(in), workers, data.replayer); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Suites(), got.Suites()); diff != "" {
				t.Errorf("%s, %d at once: %s", name, workers, diff)
			}
		}
	}
	s := want.Suites()[0]
	if s.Attacked != 100 || s.Succeeded != 80 || s.Left != 0 || s.Benign != 60 || s.Touched != 20 || s.Blocked != 0 {
		t.Errorf("%+v", s)
	}

	// What was read before a fault counts, and the fault is told.
	for name, in := range map[string]string{"no JSON": string(text) + "{\n" + string(text), "cut": string(text[:len(text)-9])} {
		var got trace.Table
		err := got.Measure(t.Context(), strings.NewReader(in), 2, data.replayer)
		if err == nil || !strings.Contains(err.Error(), "of the trace") || len(got.Suites()) == 0 {
			t.Errorf("%s: %v, %d suites", name, err, len(got.Suites()))
		}
	}
	if err := new(trace.Table).Measure(t.Context(), bytes.NewReader(zipped.Bytes()[:zipped.Len()-20]), 2, data.replayer); err == nil {
		t.Error("a cut archive is whole")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(trace.Table).Measure(ctx, bytes.NewReader(many), 1, data.replayer); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
