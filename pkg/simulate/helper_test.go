package simulate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// epoch is the clock of the tests.
var epoch = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

func newTestServer(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return epoch }
	}
	s := New(o)
	return s, s.Start(t)
}

// reply is a response, read whole.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// client does not ask for compression by itself, nor keep connections beyond the
// test.
func client(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func do(t *testing.T, method, url, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b), err}
}

func post(t *testing.T, url, body string, header ...string) reply {
	t.Helper()
	return do(t, http.MethodPost, url, body, header...)
}

// parse reads a JSON text into the obvious Go values.
func parse(t *testing.T, s string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, s)
	}
	return v
}

// at walks into a value by names and indexes; what is not there is nil.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			a, _ := v.([]any)
			if p >= len(a) {
				return nil
			}
			v = a[p]
		}
	}
	return v
}

func text(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}

func number(v any, path ...any) int {
	f, _ := at(v, path...).(float64)
	return int(f)
}

// event is one server-sent event, read as the HTML standard says.
type event struct{ name, data string }

func events(t *testing.T, body string) []event {
	t.Helper()
	var all []event
	var e event
	var has bool
	sc := bufio.NewScanner(strings.NewReader(body))
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		line := strings.TrimSuffix(sc.Text(), "\r")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if has {
				all = append(all, e)
			}
			e, has = event{}, false
		case name == "event":
			e.name = value
		case name == "data":
			if has {
				value = e.data + "\n" + value
			}
			e.data, has = value, true
		case name == "": // a comment
		default:
			t.Fatalf("line %q is no field of a server-sent event", line)
		}
	}
	if has {
		all = append(all, e)
	}
	return all
}

// values parses the data of all events, but for [DONE].
func values(t *testing.T, all []event) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, e := range all {
		if e.data != "[DONE]" {
			out = append(out, parse(t, e.data))
		}
	}
	return out
}

func lines(t *testing.T, body string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for l := range bytes.Lines([]byte(body)) {
		out = append(out, parse(t, string(l)))
	}
	return out
}

// quote writes a JSON string.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
