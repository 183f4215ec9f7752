package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/demo"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
	"github.com/archestra-ai/archestra-cli/tui"
)

type demoOptions struct{ headless, ascii bool }

func newDemo(a *app) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it at work, with simulated agents and models",
		Long: `Shows archestra at work for a minute: three agents whose model is simulated, a
page and a mail that turn them against their user, a key that must not leave, and
a payment that you are asked about. It needs no key and no network, and calls
nobody.

The proxy is a real one of its own, with the built-in rules, on a free port. Your
settings, rules, records and keys are not read. Leave the screen with q: everything
is removed then.

--headless, and any output that is no terminal, tells the same as text. It fails
where the story does not come out as it should.`,
		Example: `  archestra demo
  archestra demo --headless`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.headless || !a.interactive() {
				return a.demoTold(cmd.Context())
			}
			return a.demoShown(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.headless, "headless", false, "tell the story as text")
	cmd.Flags().BoolVar(&o.ascii, "ascii", false, "draw the screen without signs beyond ASCII")
	return cmd
}

// stage is where the story is played: a proxy, and a simulated model behind it.
type stage struct {
	dir    string
	model  *simulate.Server
	house  *house
	base   string // of the proxy
	source *control.Client
	client *http.Client // the agents'
	leave  context.CancelFunc
	ended  chan error // what the proxy ended with
}

// demoAsk is how long a question of the story waits for an answer.
const demoAsk = "30s"

// openStage starts everything in a new folder. close ends and removes it.
func openStage(ctx context.Context, story []demo.Scene, paced bool, logTo io.Writer) (s *stage, err error) {
	s = &stage{model: simulate.New(simulate.Options{Answer: demo.Provider(story, paced)}), client: &http.Client{Transport: &http.Transport{}}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "archestra-demo-"); err != nil {
		return s, err
	}
	address, err := s.model.Listen("127.0.0.1:0")
	if err != nil {
		return s, err
	}
	cfg, err := config.Load(s.lookup(address), s.dir, nil)
	if err != nil {
		return s, err
	}
	if s.house, err = assemble(ctx, cfg, surroundings{}, logTo); err != nil {
		return s, err
	}
	s.base = "http://" + s.house.listeners.Addrs()[0].String()
	s.source = control.NewClient(cfg.DataDir)
	serving, leave := context.WithCancel(ctx)
	s.leave, s.ended = leave, make(chan error, 1)
	go func() { s.ended <- s.house.run(serving) }()
	return s, nil
}

// lookup is the whole environment of the proxy: every provider is the simulated
// one, and all folders are the stage's own.
func (s *stage) lookup(address string) func(string) (string, bool) {
	env := map[string]string{
		"XDG_CONFIG_HOME": s.dir, "XDG_STATE_HOME": s.dir,
		"ARCHESTRA_HOST": "127.0.0.1", "ARCHESTRA_PORT": "0", "ARCHESTRA_DATA_DIR": filepath.Join(s.dir, "data"),
		"ARCHESTRA_SECRETS": string(config.TreatRedact), "ARCHESTRA_ASK_TIMEOUT": demoAsk,
		"ARCHESTRA_SHUTDOWN_TIMEOUT": "1s", "ARCHESTRA_LOG_LEVEL": "error",
	}
	for _, p := range provider.All() {
		env[p.BaseURLVar] = address + "/" + p.Name
	}
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

// close ends the proxy and the model, and removes the folder.
func (s *stage) close() error {
	var errs []error
	s.client.CloseIdleConnections()
	if s.source != nil {
		s.source.Close()
	}
	if s.ended != nil {
		s.leave()
		errs = append(errs, <-s.ended)
	}
	errs = append(errs, s.model.Close())
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

func (s *stage) agent(scene *demo.Scene) *demo.Agent {
	return &demo.Agent{Scene: *scene, Base: s.base, Client: s.client}
}

// demoShown plays the story behind the screen of archestra tail.
func (a *app) demoShown(ctx context.Context, o demoOptions) (err error) {
	story := demo.Story()
	s, err := openStage(ctx, story, true, io.Discard) // the screen has the terminal
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	playing, stop := context.WithCancel(ctx)
	var agents sync.WaitGroup
	defer agents.Wait()
	defer stop()
	for i := range story {
		agents.Go(func() {
			agent := s.agent(&story[i])
			agent.Pause = time.Second
			// What goes wrong is seen: it is one of the rows.
			_, _ = agent.Work(playing, story[i].Entry)
		})
	}
	return tui.Run(ctx, tui.Options{
		Source: s.source, Since: time.Now(), BaseURL: s.base + "/v1", Simulated: true,
		ASCII: o.ascii, NoColor: !a.out.colour, In: a.in, Out: a.out.w,
	})
}

// demoTold plays the story and tells it.
func (a *app) demoTold(ctx context.Context) (err error) {
	story := demo.Story()
	s, err := openStage(ctx, story, false, a.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	denied, err := s.deny(ctx)
	if err != nil {
		return err
	}
	defer denied()
	t := &teller{page: newPage(a.out)}
	t.begin()
	var wrong []error
	for i := range story {
		scene := &story[i]
		exchanges, err := s.agent(scene).Work(ctx, 0)
		if err != nil {
			return err
		}
		record, err := s.record(ctx, scene, len(exchanges))
		if err != nil {
			return err
		}
		if err := demo.Check(scene, exchanges, record, s.received(), true); err != nil {
			wrong = append(wrong, err)
			record = record[:min(len(record), len(exchanges))]
		}
		t.scene(scene, exchanges[:len(record)], record)
	}
	t.end()
	if err := t.page.flush(); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the demo did not come out as it should: %w", errors.Join(wrong...))
	}
	return nil
}

// deny answers every question with no, until the function that it returns is called.
func (s *stage) deny(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	attached, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		defer close(done)
		for e, err := range s.source.Events(ctx, control.EventsOptions{Answers: true, Attached: func() { once.Do(func() { close(attached) }) }}) {
			if err != nil {
				return
			}
			if e.Type == llm.EventHeld && e.Ask != nil {
				// Whoever else may have answered: then it is settled.
				_, _ = s.source.Answer(ctx, e.Ask.ID, llm.AskAnswer{Action: llm.ActionBlock})
			}
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	select {
	case <-attached:
		return stop, nil
	case <-time.After(starting):
		err = errors.New("the demo's proxy does not answer")
	case <-ctx.Done():
		err = ctx.Err()
	}
	stop()
	return nil, err
}

// recording bounds how long a record may take to be written.
const recording = 30 * time.Second

// record returns what was recorded of a scene, in the order in which it began, once
// there are that many interactions.
func (s *stage) record(ctx context.Context, scene *demo.Scene, want int) ([]*llm.Interaction, error) {
	ctx, cancel := context.WithTimeout(ctx, recording)
	defer cancel()
	for {
		var record []*llm.Interaction
		for i, err := range s.source.Interactions(ctx, control.Query{}) {
			if err != nil {
				return nil, err
			}
			if i.Profile == scene.Profile && i.State.Final() {
				record = append(record, i)
			}
		}
		if len(record) >= want {
			return record, nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("the record of %s: %w", scene.Profile, ctx.Err())
		}
	}
}

// received returns the bodies that reached the model.
func (s *stage) received() [][]byte {
	var bodies [][]byte
	for _, r := range s.model.Requests() {
		bodies = append(bodies, r.Body)
	}
	return bodies
}
