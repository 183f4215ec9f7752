package cli

import (
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/rules"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// guards are what judges the exchanges of a server. The zero value judges nothing.
type guards struct {
	guard *guard.Guard
	rules *rules.Rules
	asks  *ask.Desk
}

// newGuards opens the rules and puts the guard together.
func newGuards(cfg *config.Config, around surroundings, live *feed.Feed, log *slog.Logger) (g guards, err error) {
	if cfg.Mode == config.ModeOff {
		return g, nil
	}
	if g.rules, err = rules.Open(rules.Options{File: cfg.Guard.Policy, Project: around.project, Log: log}); err != nil {
		return g, fmt.Errorf("the rules cannot be used: %w", err)
	}
	detector, err := secret.New(detectorOptionsIn(cfg, around.environ))
	if err != nil {
		return g, fmt.Errorf("the detectors of secrets: %w", err)
	}
	g.asks = ask.New(ask.Options{
		Default: ask.Default(cfg.Ask), Timeout: cfg.Guard.AskTimeout,
		Attended: live.Attended,
	})
	g.guard = guard.New(guard.Options{
		Act: cfg.Mode == config.ModeEnforce, Policy: g.rules.Policy, Asks: g.asks, Always: g.rules.Append,
		OnBlock: guard.OnBlock(cfg.Guard.OnBlock), RefuseUnobserved: cfg.Guard.Unobserved == config.UnobservedRefuse, MaxHeld: cfg.Guard.MaxHeld, Detector: detector,
		Secrets: guard.Treatment(cfg.Guard.Secrets), Personal: guard.Treatment(cfg.Guard.Personal), Links: guard.Treatment(cfg.Guard.Links),
		Log: log,
	})
	return g, nil
}

// detectorOptions are the options where this process's environment counts.
func detectorOptions(cfg *config.Config) secret.Options { return detectorOptionsIn(cfg, os.Environ()) }

func detectorOptionsIn(cfg *config.Config, environ []string) secret.Options {
	known := secret.FromEnvironment(slices.Concat(environ, cfg.Dotenv()))
	for name, p := range cfg.Providers {
		if key := p.APIKey.Reveal(); len(key) >= secret.MinKnown {
			known = append(known, secret.Known{Name: "the key of " + name, Value: key})
		}
	}
	o := secret.Options{Secrets: cfg.Guard.Secrets != config.TreatOff}
	if o.Secrets {
		o.Known = known
	}
	if cfg.Guard.Personal != config.TreatOff {
		for _, k := range cfg.Guard.PersonalKinds {
			o.Personal = append(o.Personal, secret.Kind(k))
		}
	}
	return o
}
