package secret

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// lines reads a file of JSON lines of the measured data, if it is there.
func lines[T any](t testing.TB, name string) []T {
	t.Helper()
	f, err := os.Open("../../../shared/security/" + name)
	if err != nil {
		t.Skip("no measured data")
	}
	defer f.Close()
	var s *bufio.Scanner
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s = bufio.NewScanner(z)
	} else {
		s = bufio.NewScanner(f)
	}
	s.Buffer(nil, 64<<20)
	var out []T
	for s.Scan() {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

type secretCase struct {
	Rule, Label, Path, Text string
	Secrets                 []string
}

// redact replaces what was found, for tests that look at what is left.
func redact(text string, found []Finding) string {
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(text[at:f.Start] + "█")
		at = f.End
	}
	return b.String() + text[at:]
}

func secretsOnly(t testing.TB) *Detector {
	t.Helper()
	d, err := New(Options{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMeasuredSecrets(t *testing.T) {
	cases := lines[secretCase](t, "secrets-gitleaks.jsonl.gz")
	d := secretsOnly(t)
	for _, withPath := range []bool{true, false} {
		secrets, missed, clean, hit := 0, 0, 0, 0
		for _, c := range cases {
			path := ""
			if withPath {
				path = c.Path
			}
			found := d.ScanFile(path, c.Text)
			if c.Label == "clean" {
				if clean++; len(found) > 0 {
					hit++
					t.Logf("clean %s: %q %v", c.Rule, c.Text, found)
				}
				continue
			}
			secrets++
			left := redact(c.Text, found)
			for _, s := range c.Secrets {
				if strings.Contains(left, s) {
					missed++
					t.Errorf("%s is missed in %q", c.Rule, c.Text)
					break
				}
			}
		}
		t.Logf("with path %v: %d of %d missed, %d of %d clean ones hit (%.1f %%)", withPath, missed, secrets, hit, clean, 100*float64(hit)/float64(clean))
		// Two of the clean texts are clean for their file's name alone: as they
		// stand, they are secrets of other cases.
		if withPath && hit*100 > 4*clean {
			t.Errorf("%d of %d clean texts are hit", hit, clean)
		}
	}
}

func TestMeasuredBenign(t *testing.T) {
	d := secretsOnly(t)
	for _, c := range lines[struct{ Text string }](t, "benign-text.jsonl.gz") {
		if found := d.Scan(c.Text); len(found) > 0 {
			t.Errorf("%v in %.200q", found, c.Text[found[0].Start:])
		}
	}
}

var presidioKinds = map[string]Kind{
	"CREDIT_CARD": KindCard, "CRYPTO": KindCrypto, "EMAIL_ADDRESS": KindEmail, "IBAN_CODE": KindIBAN, "IP_ADDRESS": KindIP,
	"MAC_ADDRESS": KindMAC, "UK_NINO": KindNINO, "URL": KindURL, "US_ITIN": KindITIN, "US_SSN": KindSSN, "": KindPhone,
}

func TestMeasuredPersonal(t *testing.T) {
	agree, all := 0, 0
	for _, c := range lines[struct {
		Entities []string
		Text     string
		Count    int `json:"expected_count"`
		Matches  []string
		Core     bool
	}](t, "pii-presidio.jsonl") {
		if !c.Core {
			continue
		}
		all++
		entity := ""
		if len(c.Entities) > 0 {
			entity = c.Entities[0]
		}
		d, err := New(Options{Personal: []Kind{presidioKinds[entity]}})
		if err != nil {
			t.Fatal(err)
		}
		found := d.Scan(c.Text)
		left := redact(c.Text, found)
		ok := len(found) == c.Count
		for _, m := range c.Matches {
			ok = ok && !strings.Contains(left, m)
		}
		if ok {
			agree++
		} else {
			t.Logf("%s: %d in %q, want %d (%q)", entity, len(found), c.Text, c.Count, c.Matches)
		}
	}
	t.Logf("%d of %d core cases (%.1f %%)", agree, all, 100*float64(agree)/float64(all))
	if agree*100 < 97*all {
		t.Error("less than 97 %")
	}
}
