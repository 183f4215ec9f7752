package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// asking bounds a question to a server that runs.
const asking = 5 * time.Second

// addProfile adds the flag of the profile under which clients are recorded.
func addProfile(cmd *cobra.Command, v *string, name string) {
	cmd.Flags().StringVar(v, "profile", name, "the profile under which requests are recorded")
}

func checkProfile(name string) error {
	if !provider.ValidProfile(name) {
		return usagef("--profile %q is no profile: at most 64 letters, digits, dots, underscores and dashes that begin with a letter or a digit", name)
	}
	return nil
}

// serverStatus asks the server of the settings' data directory. Without one the
// error is control.ErrNoServer.
func serverStatus(ctx context.Context, cfg *config.Config) (control.Status, error) {
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	s, err := client.Status(ctx)
	if err != nil && !errors.Is(err, control.ErrNoServer) {
		err = fmt.Errorf("the server of %s: %w", cfg.DataDir, err)
	}
	return s, err
}

// siteOf says where clients are pointed: at the server that runs, or at the one
// that these settings would start.
func siteOf(ctx context.Context, cfg *config.Config, profile string) (agent.Site, error) {
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	s := agent.Site{Origin: cfg.ClientURL(), Profile: profile, Token: cfg.Access.Token.Reveal(), Vertex: cfg.Vertex.Enabled}
	status, err := client.Status(ctx)
	var all []control.Provider
	switch {
	case err == nil:
		s.Origin = status.BaseURL
		all, err = client.Providers(ctx)
	case errors.Is(err, control.ErrNoServer):
		all, err = listProviders(ctx, cfg, false)
	}
	if err != nil {
		return s, fmt.Errorf("the server of %s: %w", cfg.DataDir, err)
	}
	on := map[string]bool{}
	for _, p := range all {
		on[p.Name] = p.State != string(provider.StateOff)
		s.Vertex = s.Vertex || strings.Contains(p.Upstream, "aiplatform.googleapis.com")
	}
	s.Serves = func(name string) bool { return on[name] }
	return s, nil
}
