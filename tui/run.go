package tui

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// Source is what the screen asks of a server. A control.Client is one.
type Source interface {
	Events(ctx context.Context, o control.EventsOptions) iter.Seq2[llm.Event, error]
	Interactions(ctx context.Context, q control.Query) iter.Seq2[*llm.Interaction, error]
	Interaction(ctx context.Context, ref string) (*llm.Interaction, error)
	Exchange(ctx context.Context, ref string) (*control.Exchange, error)
	Body(ctx context.Context, ref string, side control.Side, decode bool) (io.ReadCloser, error)
	Conversation(ctx context.Context, ref string) (*llm.Conversation, error)
	Providers(ctx context.Context) ([]control.Provider, error)
	Status(ctx context.Context) (control.Status, error)
	// Asks lists the questions that wait for a person, and Answer settles one.
	Asks(ctx context.Context) ([]llm.Ask, error)
	Answer(ctx context.Context, id string, a llm.AskAnswer) (llm.Ask, error)
}

// Options say what to show and how.
type Options struct {
	Source Source
	Filter string    // the filter to begin with, in package filter's grammar
	Since  time.Time // begin with what was recorded since; zero: with the newest few hundred

	ASCII   bool // no sign beyond ASCII
	NoColor bool // no colours; bold, faint and reversed remain
	Mouse   bool // the wheel scrolls; selecting text then needs Shift

	// Simulated says in the first line of every view that nothing of it is real.
	Simulated bool

	// BaseURL is where clients reach the proxy, such as
	// http://localhost:9000/v1; a server that answers names its own.
	BaseURL string

	In  io.Reader // os.Stdin where nil
	Out io.Writer // os.Stdout where nil
}

// frame is the shortest time between two frames.
const frame = time.Second / 30

// Run shows the screen until the user leaves it or ctx ends, which is no error.
// The filter's mistakes are returned before anything is drawn.
func Run(ctx context.Context, o Options) error {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m, err := newModel(ctx, o, paint.NewTheme(paint.Look{
		Color: !o.NoColor,
		Dark:  o.NoColor || lipgloss.NewRenderer(o.Out).HasDarkBackground(), // asks the terminal
		ASCII: o.ASCII,
	}))
	if err != nil {
		return err
	}
	m.pump.start(ctx, o.Source, o.Since)
	defer m.pump.wait()
	defer cancel() // before waiting

	opts := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithAltScreen(),
		tea.WithFPS(30), tea.WithoutSignalHandler(), // a signal ends ctx
	}
	if o.Mouse {
		opts = append(opts, tea.WithMouseCellMotion())
	}
	_, err = tea.NewProgram(m, opts...).Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil
	}
	return err
}
