package cli

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/store"
)

func TestStrictProfiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := []store.Profile{{Name: "dev"}}
		var broken error
		reads := 0
		s := &strictProfiles{list: func(context.Context) ([]store.Profile, error) {
			reads++
			return known, broken
		}}
		status := func(profile string) int {
			var e *provider.Error
			switch err := s.allow(t.Context(), "anthropic", profile); {
			case err == nil:
				return http.StatusOK
			case errors.As(err, &e) && e.Format != nil:
				return e.Status
			}
			return 0
		}
		want := func(profile string, code, read int) {
			t.Helper()
			if got := status(profile); got != code || reads != read {
				t.Errorf("%s: status %d after %d reads, want %d after %d", profile, got, reads, code, read)
			}
		}
		want("dev", 200, 1)
		want("dev", 200, 1)
		want("ci", 404, 1) // known a moment ago
		time.Sleep(reread)
		want("ci", 404, 2)
		known = append(known, store.Profile{Name: "ci"})
		time.Sleep(reread)
		want("ci", 200, 3)
		broken = errors.New("the disk is gone")
		time.Sleep(reread)
		want("dev", 200, 3)
		want("new", 503, 4)
	})
}
