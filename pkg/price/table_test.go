package price

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTableReads(t *testing.T) {
	info, err := Table()
	if err != nil {
		t.Fatal(err)
	}
	if info.Models < 150 || len(info.Day) != len(time.DateOnly) || !strings.HasPrefix(info.Version, info.Day+".") || !strings.Contains(info.Source, "MIT") {
		t.Errorf("%+v", info)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// line is a line of the file, read without the code under test.
type line struct {
	Provider, Model string
	Free            bool
	Names           []string
	Prices          []struct {
		From  string
		Rates map[string]float64
		Above int64
		Long  map[string]float64
	}
}

func lines(t *testing.T) []line {
	t.Helper()
	var file struct{ Models []line }
	if err := json.Unmarshal(embedded, &file); err != nil {
		t.Fatal(err)
	}
	return file.Models
}

func TestTableInvariants(t *testing.T) {
	last, owner := "", map[string]string{}
	for _, m := range lines(t) {
		key := m.Provider + " " + m.Model
		if key <= last {
			t.Errorf("%s stands behind %s", key, last)
		}
		last = key
		for _, n := range m.Names {
			if other := owner[m.Provider+" "+n]; other != "" {
				t.Errorf("%s names both %s and %s", n, other, m.Model)
			}
			owner[m.Provider+" "+n] = m.Model
		}
		if m.Free != (len(m.Prices) == 0) {
			t.Errorf("%s: free is %v with %d prices", key, m.Free, len(m.Prices))
		}
		for i, p := range m.Prices {
			if i > 0 && p.From <= m.Prices[i-1].From {
				t.Errorf("%s: prices out of order", key)
			}
			if p.Rates["input"] <= 0 {
				t.Errorf("%s: no price for input", key)
			}
			for kind, v := range p.Rates {
				if v <= 0 {
					t.Errorf("%s: %s costs %v", key, kind, v)
				}
				if l, ok := p.Long[kind]; ok && (l < v || l > 3*v) {
					t.Errorf("%s: %s costs %v, and %v for long context", key, kind, v, l)
				}
			}
			if (p.Above > 0) != (len(p.Long) > 0) {
				t.Errorf("%s: long context above %d, %d prices", key, p.Above, len(p.Long))
			}
			if r := p.Rates; r["cache_read"] > r["input"] || r["output"] > 0 && r["output"] < r["input"] {
				t.Errorf("%s: %v", key, r)
			}
		}
	}
}

// Anthropic's page states the prices of its cache as multiples of the input
// price: 1.25 for five minutes, 2 for an hour, 0.1 to read. The exceptions are
// stated there too.
func TestAnthropicMultiples(t *testing.T) {
	read := map[string]float64{"claude-fable-5-1": 0.025, "claude-opus-5-5": 0.05, "claude-3-haiku": 0.12}
	write := map[string]float64{"claude-3-haiku": 1.2}
	n := 0
	for _, m := range lines(t) {
		if !strings.HasPrefix(m.Model, "claude-") {
			continue
		}
		for _, p := range m.Prices {
			for _, r := range []map[string]float64{p.Rates, p.Long} {
				if r["cache_write"] == 0 {
					continue
				}
				n++
				in, w, c := r["input"], 1.25, 0.1
				if x := write[m.Model]; x > 0 {
					w = x
				}
				if x := read[m.Model]; x > 0 {
					c = x
				}
				if !near(r["cache_write"], w*in) || !near(r["cache_write_1h"], 2*in) || !near(r["cache_read"], c*in) {
					t.Errorf("%s %s: %v", m.Provider, m.Model, r)
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d prices", n)
	}
}

// OpenAI's page: half price in batches and flex, 1.25 times the input price to
// write the cache, 2 and 1.5 times for long context.
func TestOpenAIMultiples(t *testing.T) {
	n := 0
	for _, m := range lines(t) {
		if m.Provider != "openai" {
			continue
		}
		for _, p := range m.Prices {
			if w := p.Rates["cache_write"]; w != 0 && !near(w, 1.25*p.Rates["input"]) {
				t.Errorf("%s: writing costs %v", m.Model, w)
			}
			if len(p.Long) > 0 {
				n++
				if !near(p.Long["input"], 2*p.Rates["input"]) || !near(p.Long["output"], 1.5*p.Rates["output"]) {
					t.Errorf("%s: %v, long %v", m.Model, p.Rates, p.Long)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d prices for long context", n)
	}
}

// The generator writes the embedded file again, byte for byte, from a copy of
// the package, where GENAI_PRICES names its dist/index.cjs.
func TestGeneratorIsReproducible(t *testing.T) {
	from := os.Getenv("GENAI_PRICES")
	if from == "" {
		t.Skip("GENAI_PRICES is not set")
	}
	info, _ := Table()
	out := filepath.Join(t.TempDir(), "prices.json")
	if msg, err := exec.Command("go", "run", "./gen", "-from", from, "-day", info.Day, "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, embedded) {
		t.Error("the generator writes another table")
	}
}
