package endure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/payload"
	"github.com/archestra-ai/archestra-cli/bench/subject"
)

// FaultOptions pick faults.
type FaultOptions struct {
	Only string // names, comma-separated; "" is all
}

// fault is one thing that goes wrong, and what must come of it.
type fault struct {
	name   string
	expect string
	run    func(context.Context, *field) error
}

// errSkipped tells that a fault cannot be made on this machine.
var errSkipped = errors.New("cannot be made here")

func faultTable() []fault {
	return slices.Concat(upstreamFaults, endFaults, diskFaults)
}

// field is where a fault happens: a folder, a server, an upstream.
type field struct {
	bench *subject.Bench
	dir   string
	up    *scripted
	srv   *server
}

// Faults makes every fault and checks what comes of it.
func Faults(ctx context.Context, b *subject.Bench, o FaultOptions, talk io.Writer) error {
	failed := 0
	table := faultTable()
	for _, name := range strings.Split(o.Only, ",") {
		if name != "" && !slices.ContainsFunc(table, func(f fault) bool { return f.name == name }) {
			return fmt.Errorf("there is no fault %q", name)
		}
	}
	for _, f := range table {
		if o.Only != "" && !slices.Contains(strings.Split(o.Only, ","), f.name) {
			continue
		}
		err := f.make(ctx, b)
		switch {
		case errors.Is(err, errSkipped):
			fmt.Fprintf(talk, "skip  %-18s %v\n", f.name, err)
		case err != nil:
			failed++
			fmt.Fprintf(talk, "FAIL  %-18s %s: %v\n", f.name, f.expect, err)
		default:
			fmt.Fprintf(talk, "ok    %-18s %s\n", f.name, f.expect)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d faults were not borne", failed)
	}
	return nil
}

func (f *fault) make(ctx context.Context, b *subject.Bench) (err error) {
	dir, err := os.MkdirTemp("", "archestra-fault-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	x := &field{bench: b, dir: dir}
	if x.up, err = newScripted(whole); err != nil {
		return err
	}
	defer x.up.close()
	defer func() {
		if x.srv != nil {
			x.srv.kill()
		}
	}()
	return f.run(ctx, x)
}

// start runs the server; its upstream does what do says.
func (x *field) start(ctx context.Context, do script, flags ...string) (err error) {
	x.up.then(do)
	x.srv, err = start(ctx, x.bench, x.dir, x.up.addr(), flags...)
	return err
}

// healthy checks that an ordinary exchange works and that the server says so.
func (x *field) healthy(ctx context.Context) error {
	x.up.then(whole)
	a := ask(ctx, x.srv, true, 10*time.Second)
	if a.err != nil || a.status != http.StatusOK || a.body != wholeBody {
		return fmt.Errorf("an ordinary exchange behind it: status %d, %d bytes, %w", a.status, len(a.body), a.err)
	}
	st, err := x.srv.status(ctx)
	if err != nil {
		return fmt.Errorf("the server does not tell its status: %w", err)
	}
	if n := st.Counters["decoder_panics"]; n > 0 {
		return fmt.Errorf("%d decoders panicked", n)
	}
	return nil
}

// settled waits until want interactions are recorded and none runs, and returns
// how many are in each state.
func (x *field) settled(ctx context.Context, want int) (map[string]int, error) {
	for end := time.Now().Add(10 * time.Second); ; {
		all, err := rows(x.bench, x.dir)
		if err != nil {
			return nil, err
		}
		n := states(all)
		if len(all) >= want && n["streaming"] == 0 || time.Now().After(end) {
			if len(all) != want {
				err = fmt.Errorf("%d interactions are recorded, want %d: %v", len(all), want, n)
			}
			return n, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// question is a small request.
func question(stream bool) string {
	return fmt.Sprintf(`{"model":"bench-fault","stream":%v,"messages":[{"role":"user","content":"go"}]}`, stream)
}

func post(ctx context.Context, s *server, body string) (a answer) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.target.Addr+s.target.Paths[payload.Chat], strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = res.Body.Close() }() // it is read
	got, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, body: string(got), err: err}
}

func event(delta, finish string) string {
	return `data: {"id":"chatcmpl-fault","object":"chat.completion.chunk","created":1700000000,"model":"bench-fault","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + "}]}\n\n"
}

var (
	oneEvent  = event(`{"content":"word "}`, "null")
	terminal  = event(`{}`, `"stop"`) + "data: [DONE]\n\n"
	wholeBody = oneEvent + oneEvent + terminal
	plainBody = `{"id":"chatcmpl-fault","object":"chat.completion","model":"bench-fault","choices":[{"index":0,"message":{"role":"assistant","content":"word"},"finish_reason":"stop"}]}`
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

func chunked(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

// wholeStream is an answer as it should be, byte for byte.
var wholeStream = streamHead + chunked(oneEvent) + chunked(oneEvent) + chunked(terminal) + "0\r\n\r\n"

var wholePlain = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(plainBody), plainBody)

// whole answers as an upstream should.
func whole(c *call) bool {
	if strings.Contains(string(c.body), `"stream":true`) {
		return c.write(wholeStream)
	}
	return c.write(wholePlain)
}
