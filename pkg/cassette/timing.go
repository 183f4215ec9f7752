package cassette

import (
	"context"
	"io"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Timing says when a response came, counted from when its request was sent.
type Timing struct {
	Header time.Duration // its status and header
	Body   []Mark        // its body, in order
	// Events say when each event of the body had come, where they are known
	// instead of Body: where the events end, the format tells.
	Events []time.Duration
}

// came says when the nth event was there, which ends at end.
func (t *Timing) came(n int, end int64) time.Duration {
	if k := len(t.Events); k > 0 {
		return t.Events[min(n, k-1)]
	}
	for _, m := range t.Body {
		if m.End >= end {
			return m.At
		}
	}
	if k := len(t.Body); k > 0 {
		return t.Body[k-1].At
	}
	return t.Header
}

// Mark says that a body had grown to End bytes by At.
type Mark struct {
	End int64
	At  time.Duration
}

// maxFrame bounds one event; a longer one is played in pieces.
const maxFrame = 32 << 20

// events cuts a body where its events end and says when each had come. A body
// that is no stream is one event.
func events(f wire.Format, contentType string, body []byte, t Timing) []Mark {
	var out []Mark
	end := int64(0)
	if f != nil {
		if framer := f.NewFramer(contentType, maxFrame); framer != nil {
			framer.Write(body)
			framer.Close()
			for frame, ok := framer.Next(); ok; frame, ok = framer.Next() {
				if len(frame.Raw) == 0 {
					continue
				}
				end += int64(len(frame.Raw))
				out = append(out, Mark{end, t.came(len(out), end)})
			}
		}
	}
	if size := int64(len(body)); end < size {
		out = append(out, Mark{size, t.came(len(out), size)})
	}
	return out
}

// player is a recorded body that comes again: an event at a time, each at its
// moment.
type player struct {
	ctx   context.Context
	body  []byte
	marks []Mark
	start time.Time // the zero time plays at once
	pos   int64
}

func (p *player) Read(b []byte) (int, error) {
	for len(p.marks) > 0 && p.marks[0].End <= p.pos {
		p.marks = p.marks[1:]
	}
	if len(p.marks) == 0 {
		return 0, io.EOF
	}
	if err := wait(p.ctx, p.start, p.marks[0].At); err != nil {
		return 0, err
	}
	n := copy(b, p.body[p.pos:p.marks[0].End])
	p.pos += int64(n)
	return n, nil
}

func (p *player) Close() error {
	p.marks = nil
	return nil
}

// wait waits until at after start has come.
func wait(ctx context.Context, start time.Time, at time.Duration) error {
	if err := ctx.Err(); err != nil || start.IsZero() {
		return err
	}
	left := time.Until(start.Add(at))
	if left <= 0 {
		return nil
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
