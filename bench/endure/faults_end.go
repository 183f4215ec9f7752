package endure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

var endFaults = []fault{
	{"sigterm", "SIGTERM under load: running streams end whole, new ones are refused, everything is recorded, exit 0", sigterm},
	{"sigterm-silent", "SIGTERM with an upstream that never answers: it ends within its bound, nothing is left as running", sigtermSilent},
}

// slowly answers with the ordinary stream in 400 ms.
func slowly(c *call) bool {
	if !c.write(streamHead + chunked(oneEvent)) {
		return false
	}
	time.Sleep(400 * time.Millisecond) // the pace of the stream, not a wait for something
	return c.write(chunked(oneEvent) + chunked(terminal) + "0\r\n\r\n")
}

func sigterm(ctx context.Context, x *field) error {
	const streams = 64
	var begun sync.WaitGroup
	begun.Add(streams)
	if err := x.start(ctx, func(c *call) bool { begun.Done(); return slowly(c) }); err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var cut []answer
	for range streams {
		wg.Go(func() {
			if a := ask(ctx, x.srv, true, 20*time.Second); a.err != nil || a.status != http.StatusOK || a.body != wholeBody {
				mu.Lock()
				cut = append(cut, a)
				mu.Unlock()
			}
		})
	}
	begun.Wait()
	ended := make(chan error, 1)
	go func() { ended <- x.srv.end(20 * time.Second) }()
	wg.Wait()
	err := <-ended
	if len(cut) > 0 {
		return fmt.Errorf("%d of %d streams were cut, the first with status %d: %w", len(cut), streams, cut[0].status, cut[0].err)
	}
	if err != nil {
		return err
	}
	if conn, err := net.DialTimeout("tcp", x.srv.target.Addr, time.Second); err == nil {
		_ = conn.Close() // the error is that it could be opened
		return errors.New("it still takes connections")
	}
	n, err := x.settled(ctx, streams)
	if err != nil || n["done"] != streams {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return nil
}

func sigtermSilent(ctx context.Context, x *field) error {
	const asked = 8
	var begun sync.WaitGroup
	begun.Add(asked)
	if err := x.start(ctx, func(c *call) bool { begun.Done(); c.gone(30 * time.Second); return false }, "--shutdown-timeout", "1s"); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for range asked {
		wg.Go(func() { ask(ctx, x.srv, true, 20*time.Second) })
	}
	begun.Wait()
	start := time.Now()
	// How it exits is its own affair when it had to cut answers; that it does is checked.
	_ = x.srv.end(15 * time.Second)
	if took := time.Since(start); took > 5*time.Second {
		return fmt.Errorf("it took %v to end, with a bound of 1 s", took)
	}
	n, err := x.settled(ctx, asked)
	if err != nil || n["streaming"]+n["held"]+n["done"] > 0 {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return nil
}
