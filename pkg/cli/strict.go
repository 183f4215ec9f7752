package cli

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/store"
)

// strictProfiles refuses profiles under which nothing was ever recorded.
type strictProfiles struct {
	list func(context.Context) ([]store.Profile, error)

	mu    sync.Mutex
	known map[string]bool
	read  time.Time // when known was last read
}

// reread is how old what is known may be before an unknown name makes it be
// read again.
const reread = time.Second

// allow implements proxy.Options.Profiles.
func (s *strictProfiles) allow(ctx context.Context, name, profile string) error {
	known, err := s.knows(ctx, profile)
	if err == nil && known {
		return nil
	}
	e := &provider.Error{
		Status: http.StatusNotFound, Code: "unknown_profile",
		Message: fmt.Sprintf("The profile %q does not exist, and strict-profiles is on. Known profiles are shown by archestra profiles list.", profile),
	}
	if err != nil {
		e.Status, e.Code, e.Message = http.StatusServiceUnavailable, "profiles_unavailable", "The list of profiles cannot be read; the log of archestra tells why."
	}
	if p, ok := provider.Lookup(name); ok {
		e.Format = p.Default
	}
	return e
}

func (s *strictProfiles) knows(ctx context.Context, profile string) (bool, error) {
	s.mu.Lock()
	known, fresh := s.known[profile], time.Since(s.read) < reread
	s.mu.Unlock()
	if known || fresh {
		return known, nil
	}
	all, err := s.list(ctx)
	if err != nil {
		return false, err
	}
	names := map[string]bool{}
	for _, p := range all {
		names[p.Name] = true
	}
	s.mu.Lock()
	s.known, s.read = names, time.Now()
	s.mu.Unlock()
	return names[profile], nil
}
