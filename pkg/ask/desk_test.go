package ask

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var (
	allow = llm.AskAnswer{Action: llm.ActionAllow}
	block = llm.AskAnswer{Action: llm.ActionBlock}
)

// events notes what a desk publishes, in short, in the order of each question.
type events struct {
	mu  sync.Mutex
	all map[string][]string
}

func (l *events) publish(e llm.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string][]string{}
	}
	k := key(*e.Ask)
	l.all[k] = append(l.all[k], strings.TrimSpace(fmt.Sprint(e.Type, " ", e.Ask.Answer, " ", e.Ask.By)))
}

func (l *events) of(t *Ticket) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all[key(t.ask)], ", ")
}

// key tells questions apart for ever: ids come again.
func key(a llm.Ask) string { return fmt.Sprint(a.ID, " ", a.AskedAt.UnixNano()) }

func settled(t *Ticket) bool {
	select {
	case <-t.Done():
		return true
	default:
		return false
	}
}

func ids(asks []llm.Ask) (out []string) {
	for _, a := range asks {
		out = append(out, a.ID)
	}
	return out
}

// TestUnanswered: what becomes of a question that nobody answers, a minute later.
func TestUnanswered(t *testing.T) {
	nobody := func() bool { return false }
	for _, c := range []struct {
		what     string
		def      Default
		timeout  time.Duration
		attended func() bool
		waits    time.Duration // 0: not at all; negative: for ever
		want     llm.Action
		by       string
		events   string
	}{
		{"deny", Deny, 0, nil, time.Minute, llm.ActionBlock, ByTimeout, "held, verdict block timeout"},
		{"a word that is no default", "perhaps", time.Second, nil, time.Second, llm.ActionBlock, ByTimeout, "held, verdict block timeout"},
		{"allow", Allow, time.Hour, nil, time.Hour, llm.ActionAllow, ByTimeout, "held, verdict allow timeout"},
		{"queue", Queue, time.Second, nil, -1, "", "", "held"},
		{"deny, unattended", Deny, 0, nobody, 0, llm.ActionBlock, ByUnattended, "verdict block unattended"},
		{"allow, unattended", Allow, 0, nobody, 0, llm.ActionAllow, ByUnattended, "verdict allow unattended"},
		{"queue, unattended", Queue, 0, nobody, -1, "", "", "held"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l events
				d := New(Options{Publish: l.publish, Default: c.def, Timeout: c.timeout, Attended: c.attended})
				defer d.Close()
				began := time.Now()
				ticket := d.Put(llm.Ask{Tool: "Bash"})
				if c.waits > 0 {
					open := d.List()
					if len(open) != 1 || !open[0].AskedAt.Equal(began) || open[0].ExpiresAt == nil || !open[0].ExpiresAt.Equal(began.Add(c.waits)) {
						t.Errorf("asked at %v, it is %+v", began, open)
					}
					time.Sleep(c.waits - 1)
					synctest.Wait()
					if settled(ticket) {
						t.Fatal("settled too early")
					}
					time.Sleep(time.Nanosecond)
				} else if c.waits < 0 {
					time.Sleep(10000 * time.Hour)
				}
				synctest.Wait()
				if got := l.of(ticket); got != c.events {
					t.Errorf("told %q, want %q", got, c.events)
				}
				if c.waits < 0 {
					open := d.List()
					if settled(ticket) || len(open) != 1 || open[0].ExpiresAt != nil {
						t.Errorf("it does not wait: %+v", open)
					}
					return
				}
				if answer, by := ticket.Answer(); answer.Action != c.want || by != c.by {
					t.Errorf("%s by %s, want %s by %s", answer.Action, by, c.want, c.by)
				}
				if open := d.List(); len(open) != 0 {
					t.Errorf("still open: %+v", open)
				}
			})
		})
	}
}

func TestSettle(t *testing.T) {
	var l events
	d := New(Options{Publish: l.publish})
	defer d.Close()
	written := []byte(`{"to":"bob"}`)
	first := d.Put(llm.Ask{Tool: "send", Arguments: written, ID: "mine", Answer: llm.ActionAllow, By: "me"})
	copy(written, `{"to":"eve"}`) // the buffer goes on
	second := d.Put(llm.Ask{Tool: "send", Arguments: json.RawMessage(`{"to":`)})

	open := d.List()
	if diff := cmp.Diff([]string{first.ID(), second.ID()}, ids(open)); diff != "" {
		t.Fatal(diff)
	}
	if a := open[0]; string(a.Arguments) != `{"to":"bob"}` || a.Answer != "" || a.By != "" || len(a.ID) != idLen {
		t.Errorf("%+v", a)
	}
	if a := open[1]; a.Arguments != nil || a.ArgumentsText != `{"to":` {
		t.Errorf("arguments that are no JSON: %+v", a)
	}

	edited := llm.AskAnswer{Action: llm.ActionAllow, Always: true, Arguments: json.RawMessage(`{"to":"ann"}`)}
	a, err := d.Settle(strings.ToUpper(first.ID())+"\n", edited)
	if err != nil || a.ID != first.ID() || a.Answer != llm.ActionAllow || a.By != ByTerminal || string(a.Arguments) != `{"to":"ann"}` {
		t.Errorf("%+v, %v", a, err)
	}
	if got, by := first.Answer(); !cmp.Equal(got, edited) || by != ByTerminal {
		t.Errorf("%+v by %s", got, by)
	}
	if _, err := d.Settle(first.ID(), block); !errors.Is(err, ErrSettled) || !strings.Contains(err.Error(), "allow by terminal") {
		t.Errorf("a second answer: %v", err)
	}
	first.Cancel(ByClientGone)
	if got, by := first.Answer(); got.Action != llm.ActionAllow || by != ByTerminal {
		t.Errorf("after a late cancel: %+v by %s", got, by)
	}
	if got := l.of(first); got != "held, verdict allow terminal" {
		t.Errorf("told %q", got)
	}
	second.Cancel("")
	if got, by := second.Answer(); got.Action != llm.ActionBlock || by != ByClientGone || l.of(second) != "held, verdict block client_gone" {
		t.Errorf("%+v by %s, told %q", got, by, l.of(second))
	}
}

// TestTicketsSettle: who holds several calls answers those that one answer covers.
func TestTicketsSettle(t *testing.T) {
	for _, c := range []struct {
		action llm.Action
		by     string
		want   string
	}{
		{llm.ActionAllow, ByTerminal, "held, verdict allow terminal"},
		{llm.ActionBlock, ByTimeout, "held, verdict block timeout"},
		{llm.ActionAsk, "", "held, verdict block terminal"}, // no answer allows nothing
	} {
		var l events
		d := New(Options{Publish: l.publish})
		tk := d.Put(llm.Ask{Tool: "x"})
		if a := tk.Ask(); a.ID != tk.ID() || a.By != "" || a.ExpiresAt == nil {
			t.Errorf("open, it is %+v", a)
		}
		tk.Settle(c.action, c.by)
		tk.Settle(llm.ActionAllow, ByTerminal) // too late
		d.Close()
		answer, by := tk.Answer()
		if a := tk.Ask(); l.of(tk) != c.want || a.Answer != answer.Action || a.By != by || len(d.List()) != 0 {
			t.Errorf("told %q, want %q; %+v by %s; %+v", l.of(tk), c.want, answer, by, a)
		}
	}
}

// TestArgumentsOfAPerson: nothing goes on that parsers may read differently.
func TestArgumentsOfAPerson(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	ticket := d.Put(llm.Ask{})
	for _, bad := range []llm.AskAnswer{
		{}, {Action: "maybe"}, {Action: llm.ActionAsk},
		{Action: llm.ActionBlock, Arguments: json.RawMessage(`{}`)},
	} {
		if _, err := d.Settle(ticket.ID(), bad); !errors.Is(err, ErrAnswer) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, bad := range []string{``, ` `, `null`, `[]`, `"x"`, `1`, `{`, `{}{}`, `{} x`, `{"a":1,"a":2}`, `{"a":{"b":1,"\u0062":2}}`, "{\"a\":\"\xff\"}", "\ufeff{}", `{'a':1}`, `{"a":NaN}`} {
		answer := llm.AskAnswer{Action: llm.ActionAllow, Arguments: json.RawMessage(bad)}
		if _, err := d.Settle(ticket.ID(), answer); !errors.Is(err, ErrAnswer) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if settled(ticket) {
		t.Fatal("a wrong answer settles")
	}
	if _, err := d.Settle(ticket.ID(), llm.AskAnswer{Action: llm.ActionAllow, Arguments: json.RawMessage(` {"a":[{"b":null}]} `)}); err != nil {
		t.Error(err)
	}
}

func TestShortenedIDs(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	for _, id := range []string{"ab22", "ab33", "cd22"} {
		tk := &Ticket{desk: d, id: id, done: make(chan struct{}), ask: llm.Ask{ID: id}}
		d.open = append(d.open, tk)
	}
	for _, c := range []struct {
		id   string
		want error
		is   string
	}{
		{"", ErrUnknown, ""}, {" ", ErrUnknown, ""}, {"x", ErrUnknown, ""}, {"ab222", ErrUnknown, ""},
		{"a", ErrAmbiguous, ""}, {"ab", ErrAmbiguous, ""},
		{"ab2", nil, "ab22"}, {"C", nil, "cd22"},
		// ab22 is settled now: what begins both stays unclear, lest the answer to
		// one meets the other.
		{"ab", ErrAmbiguous, ""}, {"ab2", ErrSettled, ""}, {"cd22", ErrSettled, ""}, {"ab3", nil, "ab33"}, {"a", ErrAmbiguous, ""}, {"c", ErrSettled, ""},
	} {
		a, err := d.Settle(c.id, block)
		if !errors.Is(err, c.want) || c.want == nil && err != nil || a.ID != c.is {
			t.Errorf("%q: %q, %v; want %q, %v", c.id, a.ID, err, c.is, c.want)
		}
	}
}

// TestBounds: what is remembered is bounded, and so is what is open.
func TestBounds(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	first := d.Put(llm.Ask{})
	first.Cancel("")
	for range keptSettled {
		d.Put(llm.Ask{}).Cancel("")
	}
	if _, err := d.Settle(first.ID(), allow); !errors.Is(err, ErrUnknown) {
		t.Errorf("settled long ago: %v", err)
	}
	seen := map[string]bool{}
	for range maxOpen {
		tk := d.Put(llm.Ask{})
		if settled(tk) || seen[tk.ID()] {
			t.Fatalf("question %d: settled %v, its id was there %v", len(seen), settled(tk), seen[tk.ID()])
		}
		seen[tk.ID()] = true
	}
	over := d.Put(llm.Ask{})
	if answer, by := over.Answer(); answer.Action != llm.ActionBlock || by != ByOverflow {
		t.Errorf("one too many: %+v by %s", answer, by)
	}
}

func TestClose(t *testing.T) {
	var l events
	d := New(Options{Publish: l.publish, Default: Queue})
	open := []*Ticket{d.Put(llm.Ask{}), d.Put(llm.Ask{})}
	d.Close()
	d.Close()
	for _, tk := range open {
		if answer, by := tk.Answer(); answer.Action != llm.ActionBlock || by != ByShutdown || l.of(tk) != "held, verdict block shutdown" {
			t.Errorf("%+v by %s, told %q", answer, by, l.of(tk))
		}
	}
	late := d.Put(llm.Ask{})
	if answer, by := late.Answer(); answer.Action != llm.ActionBlock || by != ByShutdown || l.of(late) != "verdict block shutdown" {
		t.Errorf("after the end: %+v by %s, told %q", answer, by, l.of(late))
	}
	if n := len(d.List()); n != 0 {
		t.Errorf("%d are open", n)
	}
}

// TestAnsweredInTheEvent: whoever is told may answer on the spot, and the
// verdict is told behind the question all the same.
func TestAnsweredInTheEvent(t *testing.T) {
	var l events
	var d *Desk
	d = New(Options{Publish: func(e llm.Event) {
		if e.Type == llm.EventHeld {
			if _, err := d.Settle(e.Ask.ID, allow); err != nil {
				t.Error(err)
			}
		}
		l.publish(e)
	}})
	defer d.Close()
	tk := d.Put(llm.Ask{})
	if answer, _ := tk.Answer(); answer.Action != llm.ActionAllow || l.of(tk) != "held, verdict allow terminal" {
		t.Errorf("%+v, told %q", answer, l.of(tk))
	}
}

// TestRaces: whoever comes first settles, everybody agrees on who it was, and
// it is told once and behind the question.
func TestRaces(t *testing.T) {
	var l events
	d := New(Options{Publish: l.publish, Timeout: 2 * time.Millisecond})
	const holders = 8
	var holding, answering sync.WaitGroup
	over := make(chan struct{})
	var answered sync.Map
	for _, answer := range []llm.AskAnswer{allow, block} {
		answering.Go(func() {
			for {
				for _, a := range d.List() {
					got, err := d.Settle(a.ID, answer)
					switch {
					case err == nil:
						if was, twice := answered.LoadOrStore(key(got), got.Answer); twice {
							t.Errorf("%s was answered %v and %v", a.ID, was, got.Answer)
						}
					case !errors.Is(err, ErrSettled) && !errors.Is(err, ErrUnknown):
						t.Error(err)
					}
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	for n := range holders {
		holding.Go(func() {
			for i := range 100 {
				tk := d.Put(llm.Ask{Tool: "x"})
				if (n+i)%3 == 0 {
					tk.Cancel(ByClientGone)
				}
				answer, by := tk.Answer()
				if was, person := answered.Load(key(tk.ask)); person && by == ByTerminal && was != answer.Action {
					t.Errorf("%s: the holder got %v, the person gave %v", tk.ID(), answer.Action, was)
				}
			}
		})
	}
	holding.Wait()
	close(over)
	answering.Wait()
	d.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, told := range l.all {
		if len(told) != 2 || told[0] != "held" || !strings.HasPrefix(told[1], "verdict") {
			t.Errorf("%s: told %q", id, told)
		}
	}
	if len(l.all) != holders*100 {
		t.Errorf("told of %d questions", len(l.all))
	}
}
