package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Agent plays one scene's agent: it asks the model, and does what the model calls
// for, until its tasks are done.
type Agent struct {
	Scene  Scene
	Base   string // of the proxy, such as http://localhost:9000
	Client *http.Client
	// Pause is how long a tool takes, and twice that a person to ask for more.
	Pause time.Duration
}

// Exchange is one request of an agent with what it got for it.
type Exchange struct {
	Task, Turn int    // places in the scene
	Said       string // the text of the answer
	Calls      []Call // that reached the agent, without results
	Raw        []byte // the body as it came
}

// maxAnswer bounds what an agent reads of one answer, in bytes.
const maxAnswer = 1 << 20

// Work does the scene's tasks, after the time wait, and returns every exchange.
func (a *Agent) Work(ctx context.Context, wait time.Duration) ([]Exchange, error) {
	if err := pause(ctx, wait); err != nil {
		return nil, err
	}
	d, err := speak(&a.Scene)
	if err != nil {
		return nil, err
	}
	var done []Exchange
	for task := range a.Scene.Tasks {
		t := &a.Scene.Tasks[task]
		if task > 0 {
			if err := pause(ctx, 2*a.Pause); err != nil {
				return done, err
			}
		}
		d.user(t.Ask)
		for turn := range t.Turns {
			x, calls, err := a.ask(ctx, d)
			if err != nil {
				return done, fmt.Errorf("%s, request %d: %w", a.Scene.Profile, len(done)+1, err)
			}
			x.Task, x.Turn = task, turn
			done = append(done, x)
			if len(calls) == 0 {
				break
			}
			if err := pause(ctx, a.Pause); err != nil {
				return done, err
			}
			for i := range min(len(calls), len(t.Turns[turn].Calls)) {
				calls[i].result = t.Turns[turn].Calls[i].Result
			}
			d.results(calls)
		}
	}
	return done, nil
}

// ask sends the conversation and reads the answer.
func (a *Agent) ask(ctx context.Context, d dialect) (x Exchange, calls []called, err error) {
	path, body, err := d.request()
	if err != nil {
		return x, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Base+"/v1/"+a.Scene.Provider+"/"+a.Scene.Profile+path, bytes.NewReader(body))
	if err != nil {
		return x, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "archestra-demo/"+a.Scene.Profile)
	d.header(req.Header)
	resp, err := a.Client.Do(req)
	if err != nil {
		return x, nil, err
	}
	defer resp.Body.Close()
	if x.Raw, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return x, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return x, nil, fmt.Errorf("status %d: %.300q", resp.StatusCode, x.Raw)
	}
	if x.Said, calls, err = d.answer(events(x.Raw)); err != nil {
		return x, nil, fmt.Errorf("the answer: %w", err)
	}
	for _, c := range calls {
		x.Calls = append(x.Calls, Call{Tool: c.name, Arguments: c.arguments})
	}
	return x, calls, nil
}

// events returns the data of the server-sent events of a body.
func events(body []byte) [][]byte {
	var out [][]byte
	for line := range bytes.Lines(body) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			out = append(out, bytes.TrimSpace(data))
		}
	}
	return out
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
