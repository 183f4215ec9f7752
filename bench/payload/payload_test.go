package payload

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

func join(r Request) []byte { return bytes.Join(r.Body, nil) }

// TestAgent checks what the loads claim: sizes, counts, and that a turn repeats
// what the one before it said.
func TestAgent(t *testing.T) {
	for _, f := range []Format{Chat, Messages} {
		next := Agent(f, Typical, 1)
		var last []byte
		for turn := range 2 * Typical.Rewind {
			r := next()
			body := join(r)
			var v struct {
				Model    Model
				Messages []any
				Tools    []any
			}
			if err := json.Unmarshal(body, &v); err != nil {
				t.Fatalf("%s, turn %d: %v", f, turn, err)
			}
			if len(v.Tools) != 16 || len(v.Messages) < Typical.First || len(v.Messages) > Typical.First+2*Typical.Rewind+1 || v.Model != ModelAgent {
				t.Errorf("%s, turn %d: %d tools, %d messages, model %s", f, turn, len(v.Tools), len(v.Messages), v.Model)
			}
			if n := len(body); n < 165_000 || n > 235_000 || int64(n) != r.Size() {
				t.Errorf("%s, turn %d: %d bytes, %d by Size", f, turn, n, r.Size())
			}
			if turn > 0 && turn != Typical.Rewind && !bytes.HasPrefix(body, last[:len(last)-2]) {
				t.Errorf("%s, turn %d does not continue the one before it", f, turn)
			}
			if turn == Typical.Rewind && (!bytes.HasPrefix(body, last[:150_000]) || bytes.HasPrefix(body, last[:len(last)-2])) {
				t.Errorf("%s: the session did not go back", f)
			}
			if AnswerTo(f, body[:64]) != r.Answer || r.Answer == nil {
				t.Errorf("%s: the upstream finds another answer", f)
			}
			last = body
		}
	}
}

func TestGrowing(t *testing.T) {
	next := Agent(Messages, Growing, 1)
	var sum, last int64
	for range 100 {
		r := next()
		last = r.Size()
		sum += last
	}
	if last < 380_000 || last > 450_000 || sum < 18e6 || sum > 24e6 {
		t.Errorf("100 turns grow to %d bytes and are %d in all", last, sum)
	}
}

func TestSizes(t *testing.T) {
	for name, c := range map[string]struct {
		next     Source
		min, max int
	}{
		"small":  {Small(1), 900, 1300},
		"stream": {Streaming(ModelBurst, 1), 200, 500},
		"image":  {Image(1<<20, 1), 1 << 20, 1<<20 + 1024},
	} {
		a, b := c.next(), c.next()
		if n := len(join(a)); n < c.min || n > c.max || !json.Valid(join(a)) {
			t.Errorf("%s has %d bytes, valid: %v", name, n, json.Valid(join(a)))
		}
		if bytes.Equal(join(a), join(b)) {
			t.Errorf("%s says the same twice", name)
		}
		if AnswerTo(a.Format, join(a)[:64]) != a.Answer {
			t.Errorf("%s: the upstream finds another answer", name)
		}
	}
}

func TestAnswers(t *testing.T) {
	for k, a := range answers {
		if n := bytes.Count(a.Body, []byte("\n\n")); a.Stream() && n != a.Events {
			t.Errorf("%v has %d events and says %d", k, n, a.Events)
		}
		if events := slices.Collect(a.EachEvent()); a.Stream() && !bytes.Equal(bytes.Join(events, nil), a.Body) {
			t.Errorf("%v: its events are not its body", k)
		}
		for line := range bytes.Lines(a.Body) {
			if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && !bytes.HasPrefix(data, []byte("[DONE]")) && !json.Valid(data) {
				t.Errorf("%v has the event %s", k, line)
			}
		}
		if !a.Stream() && !json.Valid(a.Body) {
			t.Errorf("%v is not JSON", k)
		}
	}
}
