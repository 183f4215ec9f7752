package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// The waits between attempts to reach a server that has gone double from the
// first to the last: a restart is noticed at once, and a long absence costs
// nothing.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 2 * time.Second
)

// Events follows what happens, until ctx ends or the server refuses what was
// asked; either is the last error that it yields. A server that goes away, or
// is not there yet, is waited for. When it is back the events continue: what
// runs comes again as started events with the number 0, open questions as held
// events with the number 0, and what was missed of the same run of the server is
// told as a lost event.
func (c *Client) Events(ctx context.Context, o EventsOptions) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		f := follower{client: c, opts: o, yield: yield}
		wait := firstWait
		for {
			err := f.attach(ctx)
			switch {
			case f.stopped:
				return
			case ctx.Err() != nil:
				yield(llm.Event{}, ctx.Err())
				return
			case errors.Is(err, errBadRequest):
				yield(llm.Event{}, err)
				return
			}
			if f.attached {
				wait = firstWait
			}
			if o.Detached != nil {
				o.Detached(err)
			}
			select {
			case <-ctx.Done():
				yield(llm.Event{}, ctx.Err())
				return
			case <-time.After(wait):
			}
			wait = min(2*wait, lastWait)
		}
	}
}

type follower struct {
	client   *Client
	opts     EventsOptions
	yield    func(llm.Event, error) bool
	server   string // the run of the server that was followed last
	last     uint64 // the last event seen of it
	attached bool   // the last attempt reached a server
	stopped  bool   // the caller has had enough
}

// attach follows one connection to its end.
func (f *follower) attach(ctx context.Context) error {
	f.attached = false
	v := Query{Filter: f.opts.Filter, Since: f.opts.Since}.values()
	v.Set("progress", strconv.FormatBool(f.opts.Progress))
	v.Set("answers", strconv.FormatBool(f.opts.Answers))
	if f.server != "" {
		v.Set("server", f.server)
		v.Set("after", strconv.FormatUint(f.last, 10))
	}
	resp, err := f.client.get(ctx, "/v1/events", v)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f.attached = true
	f.opts.Since = time.Time{} // repeated once
	if s := resp.Header.Get(serverHeader); s != f.server {
		f.server, f.last = s, 0
	}
	if f.opts.Attached != nil {
		f.opts.Attached()
	}
	err = f.read(resp.Body)
	if err == nil {
		err = fmt.Errorf("the server has stopped: %w", io.EOF)
	}
	return err
}

func (f *follower) read(body io.Reader) error {
	var bad error
	err := readLines(body, func(line []byte) bool {
		var e llm.Event
		if bad = json.Unmarshal(line, &e); bad != nil {
			return false
		}
		f.last = max(f.last, e.Seq)
		f.stopped = !f.yield(e, nil)
		return !f.stopped
	})
	if bad != nil {
		return fmt.Errorf("the server's event: %w", bad)
	}
	return err
}
