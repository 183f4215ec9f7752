package endure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

var upstreamFaults = []fault{
	{"silent", "a client that leaves frees the upstream within 250 ms; the record says cancelled", silent},
	{"silent-timeout", "an upstream that never answers becomes an error at the client", silentTimeout},
	{"reset", "reset at every byte of the answer: the client never takes a part for the whole", reset},
	{"garbage", "what is no HTTP becomes an error; other nonsense passes as it is", garbage},
	{"no-terminal", "a stream without its terminal event passes, and is recorded as incomplete", noTerminal},
	{"close-each", "an upstream that closes after each answer costs no exchange", closeEach},
}

func silent(ctx context.Context, x *field) error {
	released := make(chan time.Time, 1)
	arrived := make(chan struct{}, 1)
	err := x.start(ctx, func(c *call) bool {
		arrived <- struct{}{}
		if c.gone(10 * time.Second) {
			released <- time.Now()
		}
		return false
	})
	if err != nil {
		return err
	}
	asking, leave := context.WithCancel(ctx)
	defer leave()
	left := make(chan time.Time, 1)
	go func() {
		<-arrived
		left <- time.Now()
		leave()
	}()
	if a := post(asking, x.srv, question(true)); a.err == nil {
		return fmt.Errorf("the client got status %d", a.status)
	}
	select {
	case at := <-released:
		if late := at.Sub(<-left); late > 250*time.Millisecond {
			return fmt.Errorf("the upstream was released after %v", late)
		}
	case <-time.After(5 * time.Second):
		return errors.New("the upstream was never released")
	}
	if n, err := x.settled(ctx, 1); err != nil || n["cancelled"] != 1 {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return x.healthy(ctx)
}

func silentTimeout(ctx context.Context, x *field) error {
	if err := x.start(ctx, func(c *call) bool { c.gone(10 * time.Second); return false }, "--response-header-timeout", "500ms"); err != nil {
		return err
	}
	a := ask(ctx, x.srv, true, 10*time.Second)
	if a.status < 500 || !strings.Contains(a.body, `"error"`) || a.took > 5*time.Second {
		return fmt.Errorf("the client got status %d after %v: %.200s", a.status, a.took, a.body)
	}
	if n, err := x.settled(ctx, 1); err != nil || n["failed"] != 1 {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return x.healthy(ctx)
}

// reset cuts a streamed and a plain answer behind each of their bytes.
func reset(ctx context.Context, x *field) error {
	if err := x.start(ctx, whole); err != nil {
		return err
	}
	sent := 0
	for _, c := range []struct {
		wire, body string
		stream     bool
	}{{wholeStream, wholeBody, true}, {wholePlain, plainBody, false}} {
		for cut := range len(c.wire) {
			x.up.then(func(k *call) bool {
				k.write(c.wire[:cut])
				time.Sleep(200 * time.Microsecond) // a reset may overtake what was sent
				k.reset()
				return false
			})
			a := ask(ctx, x.srv, c.stream, 10*time.Second)
			sent++
			switch {
			case a.status == 0 && ctx.Err() != nil:
				return ctx.Err()
			case a.status == http.StatusOK && a.err == nil:
				return fmt.Errorf("cut at byte %d of %d, the client took %d of %d bytes for the whole", cut, len(c.wire), len(a.body), len(c.body))
			case a.status == http.StatusOK && !strings.HasPrefix(c.body, a.body):
				return fmt.Errorf("cut at byte %d, the client got other bytes: %q", cut, a.body)
			case errors.Is(a.err, context.DeadlineExceeded):
				return fmt.Errorf("cut at byte %d, the client waits for ever", cut)
			}
		}
	}
	n, err := x.settled(ctx, sent)
	if err != nil {
		return err
	}
	if bad := sent - n["failed"] - n["incomplete"] - n["done"]; bad != 0 {
		return fmt.Errorf("%d of %d are in another state than failed, incomplete or done: %v", bad, sent, n)
	}
	// A stream whose terminal event came is done, whatever followed: fewer than
	// a hundred cuts lie behind it.
	if n["done"] > 100 {
		return fmt.Errorf("of %d cut answers %d are recorded as done", sent, n["done"])
	}
	return x.healthy(ctx)
}

func garbage(ctx context.Context, x *field) error {
	if err := x.start(ctx, whole); err != nil {
		return err
	}
	sized := func(kind, body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
	}
	noise := strings.Repeat("\x00\xff{\"\x80data: \r\n", 50)
	sent := 0
	for name, c := range map[string]struct{ wire, passes string }{
		"no HTTP":             {noise, ""},
		"a status of letters": {"HTTP/1.1 abc OK\r\n\r\n", ""},
		"a bad header":        {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", ""},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", ""},
		"a bad chunk":         {streamHead + chunked(oneEvent) + "zz\r\nabc\r\n", "cut"},
		"noise as JSON":       {sized("application/json", noise), noise},
		"noise as events":     {sized("text/event-stream", noise), noise},
		"an endless line":     {sized("text/event-stream", "data: "+strings.Repeat("x", 1<<20)), "data: " + strings.Repeat("x", 1<<20)},
		"no type":             {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(noise), noise), noise},
		"deep JSON":           {sized("application/json", strings.Repeat("[", 100_000)), strings.Repeat("[", 100_000)},
	} {
		x.up.then(func(k *call) bool { k.write(c.wire); return false })
		a := ask(ctx, x.srv, true, 10*time.Second)
		sent++
		switch c.passes {
		case "":
			if a.status < 500 {
				return fmt.Errorf("%s: the client got status %d, %v", name, a.status, a.err)
			}
		case "cut":
			if a.err == nil {
				return fmt.Errorf("%s: the client takes it for the whole", name)
			}
		default:
			if a.body != c.passes || a.err != nil {
				return fmt.Errorf("%s: the client got status %d and %d bytes of %d, %w", name, a.status, len(a.body), len(c.passes), a.err)
			}
		}
	}
	if n, err := x.settled(ctx, sent); err != nil {
		return fmt.Errorf("%v: %w", n, err)
	}
	return x.healthy(ctx)
}

func noTerminal(ctx context.Context, x *field) error {
	if err := x.start(ctx, func(c *call) bool { return c.write(streamHead + chunked(oneEvent) + "0\r\n\r\n") }); err != nil {
		return err
	}
	if a := ask(ctx, x.srv, true, 10*time.Second); a.err != nil || a.body != oneEvent {
		return fmt.Errorf("the client got %q, %w", a.body, a.err)
	}
	if n, err := x.settled(ctx, 1); err != nil || n["incomplete"] != 1 {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return x.healthy(ctx)
}

// closeEach has an upstream that says nothing of closing, and closes: a kept
// connection is dead when it is used again.
func closeEach(ctx context.Context, x *field) error {
	if err := x.start(ctx, func(c *call) bool { whole(c); return false }); err != nil {
		return err
	}
	const clients, each = 4, 100
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed []string
	for range clients {
		wg.Go(func() {
			for i := range each {
				a := ask(ctx, x.srv, i%2 == 0, 10*time.Second)
				if a.err != nil || a.status != http.StatusOK || a.body != wholeBody && a.body != plainBody {
					mu.Lock()
					failed = append(failed, fmt.Sprintf("status %d, %v, %.150s", a.status, a.err, a.body))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d failed, the first with %s", len(failed), clients*each, failed[0])
	}
	if n, err := x.settled(ctx, clients*each); err != nil || n["done"] != clients*each {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return x.healthy(ctx)
}
