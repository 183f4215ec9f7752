package cassette

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// recorder writes a folder.
type recorder struct {
	dir   string
	rules *Rules
	log   *slog.Logger

	mu    sync.Mutex
	taken map[string]int // how many equal requests were seen, by key
}

func newRecorder(dir string, r *Rules, log *slog.Logger) (*recorder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // it is there to be shared
		return nil, fmt.Errorf("record a cassette: %w", err)
	}
	return &recorder{dir: dir, rules: r, log: log, taken: map[string]int{}}, nil
}

// reserve gives a request its place among equal ones. Where it is the first of
// this run, what an earlier run recorded of it is out of date.
func (r *recorder) reserve(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[key]++
	return r.taken[key]
}

// maxBody bounds the response that is recorded.
const maxBody = 64 << 20

// listen hears a response, and writes the exchange when it has come whole.
func (r *recorder) listen(q Request, f wire.Format, sent time.Time, res *http.Response) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		r.log.Warn("a WebSocket is not recorded on the cassette", "provider", q.Provider, "path", q.Path)
		return
	}
	l := &listener{
		recorder: r, body: res.Body, format: f, sent: sent, left: res.ContentLength,
		number:  r.reserve(q.Key()),
		episode: Episode{Request: q, Response: Response{Status: res.StatusCode, Header: keepHeader(res.Header)}},
	}
	l.episode.Response.Timing.Header = time.Since(sent)
	if res.Request != nil && res.Request.Method == http.MethodHead {
		l.left = 0
	}
	res.Body = l
	if l.left == 0 {
		l.end(true)
	}
}

// listener is a response's body that is heard on its way.
type listener struct {
	*recorder
	body    io.ReadCloser
	format  wire.Format
	sent    time.Time
	left    int64 // bytes still due; below 0 where that is not known
	number  int
	episode Episode
	ended   bool
	large   bool
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.body.Read(b)
	if n > 0 && !l.ended {
		r := &l.episode.Response
		if len(r.Body)+n > maxBody {
			l.large = true
		} else {
			r.Body = append(r.Body, b[:n]...)
			r.Timing.Body = append(r.Timing.Body, Mark{int64(len(r.Body)), time.Since(l.sent)})
		}
		if l.left > 0 {
			l.left -= int64(n)
		}
	}
	if errors.Is(err, io.EOF) || err == nil && l.left == 0 {
		l.end(true) // before the client can know that it has everything
	}
	return n, err
}

func (l *listener) Close() error {
	l.end(false)
	return l.body.Close()
}

// end writes the exchange. A client may go away with the protocol's last event,
// before the body ends.
func (l *listener) end(whole bool) {
	if l.ended {
		return
	}
	l.ended = true
	r := &l.episode.Response
	q := l.episode.Request
	if !whole && l.format != nil && record.Identity(r.Header.Get("Content-Encoding")) {
		_, whole = read(l.format, r.Status, r.Header.Get("Content-Type"), r.Body)
	}
	if !whole || l.large {
		l.log.Warn("an answer that broke off, or is too large, is not recorded on the cassette", "provider", q.Provider, "path", q.Path)
		return
	}
	if record.Identity(r.Header.Get("Content-Encoding")) {
		contentType := r.Header.Get("Content-Type")
		// The moments first: offsets change.
		moments := Timing{Header: r.Timing.Header}
		for _, m := range events(l.format, contentType, r.Body, r.Timing) {
			moments.Events = append(moments.Events, m.At)
		}
		r.Timing = moments
		r.Body = l.rules.conceal(l.format, contentType, r.Body, q)
	}
	if err := l.write(&l.episode, l.format, l.number); err != nil {
		l.log.Error("an exchange could not be recorded on the cassette", "error", err)
	}
}

// name is the same for equal requests, wherever and whenever they are recorded.
func name(q Request, f wire.Format, number int) string {
	return fmt.Sprintf("%s-%s-%03d-%s-%d.yaml", q.Provider, q.API, q.turn(f), q.Key()[:12], number)
}

func (r *recorder) write(e *Episode, f wire.Format, number int) error {
	b, err := encode(e, f)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if number == 1 {
		r.forget(name(e.Request, f, 1), r.taken[e.Request.Key()])
	}
	path := filepath.Join(r.dir, name(e.Request, f, number))
	temp, err := os.CreateTemp(r.dir, ".writing-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(b)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close()) //nolint:gosec // it is there to be shared
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// forget removes what an earlier run recorded of equal requests beyond those of
// this run. What cannot be removed stays.
func (r *recorder) forget(first string, taken int) {
	stem := strings.TrimSuffix(first, "-1.yaml")
	for n := taken + 1; ; n++ {
		if os.Remove(filepath.Join(r.dir, fmt.Sprintf("%s-%d.yaml", stem, n))) != nil {
			return
		}
	}
}
