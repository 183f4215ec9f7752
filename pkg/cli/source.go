package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// source is where recorded interactions are read: a running server or, without
// one, the store.
type source struct {
	control.Reader
	dataDir string
	baseURL string // of the proxy, as clients know it
	close   func()
}

func addSourceFlags(cmd *cobra.Command) { config.AddFlags(cmd.Flags(), "data-dir", "config") }

func addJSON(cmd *cobra.Command, v *bool) {
	cmd.Flags().BoolVar(v, "json", false, "print JSON: one object, or one a line")
}

// open finds the source that the settings name.
func (a *app) open(ctx context.Context, cmd *cobra.Command) (*source, error) {
	cfg, err := a.load(cmd)
	if err != nil {
		return nil, err
	}
	s := &source{dataDir: cfg.DataDir, baseURL: cfg.ClientURL()}
	client := control.NewClient(cfg.DataDir)
	// A server that does not answer this within moments answers nothing.
	probe, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	status, err := client.Status(probe)
	switch {
	case err == nil:
		s.Reader, s.close = client, client.Close
		if status.BaseURL != "" {
			s.baseURL = status.BaseURL
		}
		return s, nil
	case errors.Is(err, control.ErrNoServer):
		client.Close()
		s.Reader, s.close, err = openStore(ctx, cfg)
		return s, err
	}
	client.Close()
	return nil, fmt.Errorf("the server of %s: %w", cfg.DataDir, err)
}

// nothing is a source in which nothing was recorded yet.
type nothing struct{}

func (nothing) Interactions(context.Context, control.Query) iter.Seq2[*llm.Interaction, error] {
	return func(func(*llm.Interaction, error) bool) {}
}

func (nothing) Interaction(_ context.Context, ref string) (*llm.Interaction, error) {
	return nil, fmt.Errorf("%w: %q; nothing is recorded yet", control.ErrNotFound, ref)
}

func (n nothing) Exchange(ctx context.Context, ref string) (*control.Exchange, error) {
	_, err := n.Interaction(ctx, ref)
	return nil, err
}

func (n nothing) Body(ctx context.Context, ref string, _ control.Side, _ bool) (io.ReadCloser, error) {
	_, err := n.Interaction(ctx, ref)
	return nil, err
}

func (n nothing) Conversation(ctx context.Context, ref string) (*llm.Conversation, error) {
	_, err := n.Interaction(ctx, ref)
	return nil, err
}

func (nothing) Profiles(context.Context) ([]control.Profile, error) { return nil, nil }

func (nothing) Stats(context.Context, control.StatsQuery) ([]control.Stat, error) { return nil, nil }
