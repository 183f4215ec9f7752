package telemetry

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogger(t *testing.T) {
	for _, format := range []string{FormatText, FormatJSON} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			log, err := NewLogger(&out, slog.LevelInfo, format)
			if err != nil {
				t.Fatal(err)
			}
			log.Debug("too low to be seen")
			log.Info("serving", "addr", "127.0.0.1:9000")
			log.Warn("odd path", "path", "/v1/\x1b[2J\u009b\u202e\x7f\nlevel=ERROR msg=forged")
			got := out.String()
			if strings.Contains(got, "too low") || !strings.Contains(got, "127.0.0.1:9000") {
				t.Errorf("the level is not kept: %s", got)
			}
			if n := strings.Count(got, "\n"); n != 2 {
				t.Errorf("two records made %d lines: %q", n, got)
			}
			if strings.ContainsAny(got, "\x1b\u009b\u202e\x7f") {
				t.Errorf("control characters reached the log: %q", got)
			}
		})
	}
	if _, err := NewLogger(nil, slog.LevelInfo, "xml"); err == nil {
		t.Error("a format that does not exist was taken")
	}
}

func TestLoggerRedacts(t *testing.T) {
	const canary = "sk-canary"
	u, err := url.Parse("https://user:" + canary + "@host.test/path?key=" + canary)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log, err := NewLogger(&out, slog.LevelInfo, FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"Authorization", "x-api-key", "X_Api_Key", "openaiApiKey", "token", "cookie", "client_secret",
		"password", "access-token", "x-goog-api-key", "private_key"} {
		log.Info("m", key, canary, slog.Group("g", slog.String(key, canary)))
		log.With(key, canary).Info("m")
	}
	log.Info("m", "header", http.Header{"X": {canary}}, "url", u, "value", *u, "none", (*url.URL)(nil))
	if strings.Contains(out.String(), canary) {
		t.Errorf("a credential reached the log:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "https://host.test/path") {
		t.Errorf("the URL is gone altogether:\n%s", out.String())
	}
	out.Reset()
	log.Info("m", "input_tokens", 12, "keys", 3, "monkey", "george")
	for _, want := range []string{`"input_tokens":12`, `"keys":3`, `"george"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in %s", want, out.String())
		}
	}
}

func TestRegistry(t *testing.T) {
	var r Registry
	b, a := r.Counter("b", "second"), r.Counter("a", "first")
	r.Gauge("c", "third", func() int64 { return 7 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				a.Inc()
				r.Read()
			}
		})
	}
	wg.Wait()
	b.Add(2)
	want := []Reading{{"a", "first", 800}, {"b", "second", 2}, {"c", "third", 7}}
	if diff := cmp.Diff(want, r.Read()); diff != "" {
		t.Error(diff)
	}
	var none *Counter
	none.Inc()
	if none.Value() != 0 {
		t.Error("a nil counter counts")
	}
	defer func() {
		if recover() == nil {
			t.Error("a name was taken twice")
		}
	}()
	r.Counter("a", "again")
}
