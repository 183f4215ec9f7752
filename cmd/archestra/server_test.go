package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// patience bounds every wait of a script.
const patience = time.Minute

// unhurried lets an answer wait for its record as long as a busy disk takes.
const unhurried = "ARCHESTRA_RECORD_WAIT=1m"

// simulateProviders is the script command "simulate": all providers with a base
// URL of their own live at one simulated server from now on, $SIMULATED.
func simulateProviders(ts *testscript.TestScript, _ bool, _ []string) {
	s := simulate.New(simulate.Options{})
	base, err := s.Listen("127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(s.Close()) })
	ts.Setenv("SIMULATED", base)
	for _, p := range provider.All() {
		if !p.Local {
			ts.Setenv(p.BaseURLVar, base+"/"+p.Name)
		}
	}
}

// process is a background program of a script.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr text
	done           chan error
}

// text is output that is read while it grows.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// processes are the background programs of each script, by name.
var processes sync.Map // processKey → *process

type processKey struct {
	ts   *testscript.TestScript
	name string
}

// background starts archestra with the environment of the script.
func background(ts *testscript.TestScript, name string, args ...string) *process {
	return launch(ts, name, exec.Command("archestra", args...))
}

// launch starts a command with the environment of the script.
func launch(ts *testscript.TestScript, name string, cmd *exec.Cmd) *process {
	p := &process{cmd: cmd, done: make(chan error, 1)}
	p.cmd.Dir = ts.MkAbs(".")
	for _, v := range []string{"PATH", "HOME", "TMPDIR", "XDG_CONFIG_HOME"} {
		p.cmd.Env = append(p.cmd.Env, v+"="+ts.Getenv(v))
	}
	p.cmd.Env = append(p.cmd.Env, "ARCHESTRA_DATA_DIR="+ts.Getenv("ARCHESTRA_DATA_DIR"), unhurried)
	for _, x := range provider.All() {
		p.cmd.Env = append(p.cmd.Env, x.BaseURLVar+"="+ts.Getenv(x.BaseURLVar))
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	ts.Check(p.cmd.Start())
	go func() { p.done <- p.cmd.Wait() }()
	processes.Store(processKey{ts, name}, p)
	ts.Defer(func() {
		if _, running := processes.LoadAndDelete(processKey{ts, name}); running {
			// It may have ended by itself.
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	})
	return p
}

// await waits until ok says so.
func (p *process) await(ts *testscript.TestScript, what string, ok func() bool) {
	deadline := time.Now().Add(patience)
	for !ok() {
		select {
		case err := <-p.done:
			p.done <- err
			ts.Fatalf("%s: the program ended: %v\n%s%s", what, err, p.stdout.String(), p.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not come:\n%s%s", what, p.stdout.String(), p.stderr.String())
		}
	}
}

// end sends a signal and waits for the end. What the program printed is in the
// files NAME.out and NAME.err.
func end(ts *testscript.TestScript, name string, sig os.Signal) error {
	v, ok := processes.LoadAndDelete(processKey{ts, name})
	if !ok {
		ts.Fatalf("no %s runs", name)
	}
	p := v.(*process)
	ts.Check(p.cmd.Process.Signal(sig))
	var err error
	select {
	case err = <-p.done:
	case <-time.After(patience):
		ts.Fatalf("%s does not end", name)
	}
	ts.Check(os.WriteFile(ts.MkAbs(name+".out"), []byte(p.stdout.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(name+".err"), []byte(p.stderr.String()), 0o600))
	return err
}

// start is the script command "start NAME ARG...": it starts archestra with the
// arguments under that name.
func start(ts *testscript.TestScript, _ bool, args []string) {
	background(ts, args[0], args[1:]...)
}

// interrupt is the script command "interrupt NAME": it sends an interrupt and
// does not wait.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := processes.Load(processKey{ts, args[0]})
	if !ok {
		ts.Fatalf("no %s runs", args[0])
	}
	ts.Check(v.(*process).cmd.Process.Signal(os.Interrupt))
}

// serve is the script command "serve ARG...": it starts archestra serve on a
// free port, waits for its ready line, and sets $BASE and $PORT.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	p := background(ts, "serve", append([]string{"serve", "--port", "0", "--json"}, args...)...)
	p.await(ts, "the ready line", func() bool { return strings.Contains(p.stdout.String(), "\n") })
	var ready struct {
		Event   string
		BaseURL string `json:"base_url"`
		Port    int
	}
	ts.Check(json.Unmarshal([]byte(p.stdout.String()), &ready))
	if ready.Event != "ready" || ready.Port == 0 {
		ts.Fatalf("the ready line is %s", p.stdout.String())
	}
	ts.Setenv("BASE", ready.BaseURL)
	ts.Setenv("PORT", strconv.Itoa(ready.Port))
}

// stop is the script command "stop [NAME]": it interrupts the server, or what
// runs under that name, which has to exit with 0; negated, with something else.
func stop(ts *testscript.TestScript, neg bool, args []string) {
	if err := end(ts, append(args, "serve")[0], os.Interrupt); (err != nil) != neg {
		ts.Fatalf("after an interrupt: %v", err)
	}
}

// kill is the script command "kill": the server gets no chance to clean up.
func kill(ts *testscript.TestScript, _ bool, _ []string) {
	if err := end(ts, "serve", os.Kill); err == nil {
		ts.Fatalf("a killed server exits with success")
	}
}

// tail is the script command "tail ARG...": it starts archestra tail and goes
// on when it is attached.
func tail(ts *testscript.TestScript, _ bool, args []string) {
	attached(ts, background(ts, "tail", append([]string{"tail"}, args...)...), 1)
}

// attached waits until a program follows the live events, the last of so many.
func attached(ts *testscript.TestScript, p *process, followers int64) {
	c := control.NewClient(ts.Getenv("ARCHESTRA_DATA_DIR"))
	defer c.Close()
	p.await(ts, "the follower", func() bool {
		s, err := c.Status(context.Background())
		ts.Check(err)
		return s.Counters["followers"] >= followers
	})
}

// seen is the script command "seen NAME TEXT": it waits until the program of
// that name has printed the text.
func seen(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := processes.Load(processKey{ts, args[0]})
	if !ok {
		ts.Fatalf("no %s runs", args[0])
	}
	p := v.(*process)
	p.await(ts, args[1], func() bool { return strings.Contains(p.stdout.String()+p.stderr.String(), args[1]) })
}

// answers are what is still being read, by script.
var answers sync.Map // *testscript.TestScript → chan answer

type answer struct {
	body []byte
	err  error
}

// answered is the script command "answered": it waits for the rest of what
// "post -begun" began, which has to end well, and puts it into the file answer.
func answered(ts *testscript.TestScript, _ bool, _ []string) {
	v, ok := answers.LoadAndDelete(ts)
	if !ok {
		ts.Fatalf("nothing was begun")
	}
	select {
	case a := <-v.(chan answer):
		ts.Check(a.err)
		ts.Check(os.WriteFile(ts.MkAbs("answer"), a.body, 0o600))
	case <-time.After(patience):
		ts.Fatalf("the answer does not end")
	}
}

// post is the script command "post [-begun] PATH BODY": it posts a file to $BASE
// and puts the answer, which has to be a success unless negated, into the file
// answer. With -begun it goes on when the answer's first byte is here.
func post(ts *testscript.TestScript, neg bool, args []string) {
	begun := args[0] == "-begun"
	if begun {
		args = args[1:]
	}
	req, err := http.NewRequest(http.MethodPost, ts.Getenv("BASE")+args[0], strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sk-canary-0123456789abcdef")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	ts.Check(err)
	body := bufio.NewReader(resp.Body)
	if begun {
		_, err := body.Peek(1)
		ts.Check(err)
		rest := make(chan answer, 1)
		go func() {
			b, err := io.ReadAll(body)
			rest <- answer{b, err}
		}()
		answers.Store(ts, rest)
		ts.Defer(func() { ts.Check(resp.Body.Close()) })
		return
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(body)
	ts.Check(err)
	if failed := resp.StatusCode >= 400; failed != neg {
		ts.Fatalf("status %d: %s", resp.StatusCode, b)
	}
	ts.Check(os.WriteFile(ts.MkAbs("answer"), b, 0o600))
}
