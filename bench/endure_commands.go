package main

import (
	"context"
	"flag"
	"io"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/endure"
)

// endured runs soak, kill or faults.
func endured(ctx context.Context, name string, args []string, out, talk io.Writer) error {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(talk)
	archestra := f.String("archestra", "", archestraHelp)
	var soak endure.SoakOptions
	var kill endure.KillOptions
	var faults endure.FaultOptions
	switch name {
	case "soak":
		f.DurationVar(&soak.Time, "time", time.Hour, "how long")
		f.IntVar(&soak.Rate, "rate", 100, "exchanges a second; more than half of them are left by their clients")
	case "kill":
		f.IntVar(&kill.Storms, "storms", 100, "how often it is killed")
		f.IntVar(&kill.Exchanges, "exchanges", 200, "exchanges in flight in each storm")
	case "faults":
		f.StringVar(&faults.Only, "only", "", "comma-separated faults; all unless given")
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	b, remove, err := prepare(ctx, *archestra, talk)
	if err != nil {
		return err
	}
	defer remove()
	switch name {
	case "soak":
		return endure.Soak(ctx, b, soak, out)
	case "kill":
		return endure.Kill(ctx, b, kill, out)
	}
	return endure.Faults(ctx, b, faults, out)
}
