package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/measure"
)

// TestMain lets the test be the benchmark's other processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "_") {
		main()
		return
	}
	os.Exit(m.Run())
}

// talk passes what a run says on to the test's log.
type talk struct{ t *testing.T }

func (w talk) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// TestQuick runs the smoke test: everything is measured, recorded and reported.
func TestQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds archestra and takes a minute")
	}
	file := filepath.Join(t.TempDir(), "quick.json")
	var page bytes.Buffer
	start := time.Now()
	if err := run(t.Context(), []string{"-quick", "-json", file}, &page, talk{t}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Minute {
		t.Errorf("a smoke test of two minutes took %v", took)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var res measure.Result
	if err := json.Unmarshal(text, &res); err != nil {
		t.Fatal(err)
	}
	if len(res.Loads) < 5 || len(res.Absent) > 0 || res.Versions["default"] == "" {
		t.Errorf("%d loads, absent %v, versions %v", len(res.Loads), res.Absent, res.Versions)
	}
	for _, l := range res.Loads {
		if len(l.Subjects) != 4 {
			t.Errorf("%s was measured on %d subjects", l.Name, len(l.Subjects))
		}
		for _, s := range l.Subjects {
			m := s.Median
			if m.Error != "" || m.Failed != 0 || m.Requests+m.Events == 0 {
				t.Errorf("%s, %s: %d requests, %d events, %d failed: %s", l.Name, s.Name, m.Requests, m.Events, m.Failed, m.Error)
			}
			recorded := s.Name == "floor" || s.Name == "default"
			if recorded && (m.Rows == 0 || m.Missing != 0) {
				t.Errorf("%s, %s: %d of %d answers are recorded", l.Name, s.Name, m.Rows, m.Answers)
			}
			if m.Altered > 0 {
				t.Errorf("%s, %s altered %d answers", l.Name, s.Name, m.Altered)
			}
			if l.Name != "leave" && s.Name != "direct" && (s.Ratio == 0 || m.PeakRSS < 1<<20) {
				t.Errorf("%s, %s: %.2f × rp, %d bytes", l.Name, s.Name, s.Ratio, m.PeakRSS)
			}
		}
	}
	for _, want := range []string{"## To reach", "| answers recorded whole |", "## agent-8", "go -C bench run . -quick"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// TestEndure runs short storms, a short soak, and the faults that take no time.
func TestEndure(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds archestra and kills it")
	}
	b, remove, err := prepare(t.Context(), "", talk{t})
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	for _, args := range [][]string{
		{"kill", "-storms", "6", "-exchanges", "60"},
		{"faults", "-only", "silent,silent-timeout,garbage,no-terminal,close-each,sigterm,sigterm-silent,disk-read-only"},
		{"soak", "-time", "3s", "-rate", "40"},
	} {
		if err := run(t.Context(), append(args, "-archestra", b.Archestra), talk{t}, talk{t}); err != nil {
			t.Errorf("%s: %v", args[0], err)
		}
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"nothing"}, {"-loads", "nothing"}, {"-subjects", "nothing"}, {"-samples", "x"}, {"more", "words"}, {"-quick", "words"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	var all bytes.Buffer
	if err := run(t.Context(), []string{"-list"}, &all, io.Discard); err != nil || !strings.Contains(all.String(), "agent-8-messages") || !strings.Contains(all.String(), "portkey") {
		t.Errorf("the list is %v %s", err, all.String())
	}
}
