// The command bench measures archestra and the proxies that it is compared with,
// and tries to break it. README.md says how.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/measure"
	"github.com/archestra-ai/archestra-cli/bench/report"
	"github.com/archestra-ai/archestra-cli/bench/subject"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs one command; without a name it measures.
func run(ctx context.Context, args []string, out, talk io.Writer) error {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		return measured(ctx, args, out, talk)
	case subject.CommandUpstream, subject.CommandRP, subject.CommandFloor:
		return child(ctx, name, args, out)
	case "soak", "kill", "faults":
		return endured(ctx, name, args, out, talk)
	}
	return fmt.Errorf("there is no command %q: want soak, kill or faults, or none to measure", name)
}

// prepare builds archestra from the folder above, unless one is given, and says
// where everything is. The returned function removes what was built.
func prepare(ctx context.Context, given string, talk io.Writer) (*subject.Bench, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, nil, err
	}
	tools := filepath.Join(cache, "archestra-bench")
	if given != "" {
		path, err := filepath.Abs(given)
		return &subject.Bench{Self: self, Archestra: path, Tools: tools}, func() {}, err
	}
	dir, err := os.MkdirTemp("", "archestra-bench-build-")
	if err != nil {
		return nil, nil, err
	}
	b := &subject.Bench{Self: self, Archestra: filepath.Join(dir, "archestra"), Tools: tools}
	remove := func() { _ = os.RemoveAll(dir) } // a temporary folder
	root, err := repository()
	if err != nil {
		remove()
		return nil, nil, err
	}
	fmt.Fprintln(talk, "building archestra")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.Archestra, "./cmd/archestra")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if said, err := build.CombinedOutput(); err != nil {
		remove()
		return nil, nil, fmt.Errorf("build archestra: %w: %s", err, said)
	}
	return b, remove, nil
}

// repository finds the folder above bench, from bench or from anywhere in it.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "archestra", "main.go")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("run it in the repository, as `go -C bench run .`")
}

const archestraHelp = "use this program instead of building it from the repository"

type options struct {
	loads, subjects, write, json, archestra string
	samples                                 int
	seconds, warm                           time.Duration
	quick, list, install                    bool
}

func measured(ctx context.Context, args []string, out, talk io.Writer) error {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(talk)
	f.StringVar(&o.loads, "loads", "", "comma-separated loads; all unless given")
	f.StringVar(&o.subjects, "subjects", "", "comma-separated subjects; all unless given. direct and rp are always measured: others are compared with them")
	f.IntVar(&o.samples, "samples", 5, "samples of each subject under each load")
	f.DurationVar(&o.seconds, "time", 3*time.Second, "measured time of a sample")
	f.DurationVar(&o.warm, "warm", time.Second, "time before it, not measured")
	f.BoolVar(&o.quick, "quick", false, "a smoke test of less than two minutes: few loads and subjects, one short sample")
	f.BoolVar(&o.list, "list", false, "list the loads and subjects")
	f.BoolVar(&o.install, "install", false, "install with npm what no distribution has (Portkey's gateway), into the user's cache")
	f.StringVar(&o.write, "o", "", "write the Markdown to this file, such as RESULTS.md")
	f.StringVar(&o.json, "json", "", "write the JSON to this file")
	f.StringVar(&o.archestra, "archestra", "", archestraHelp)
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("there is no argument %q", f.Arg(0))
	}
	if o.list {
		return list(out)
	}
	plan, err := o.plan()
	if err != nil {
		return err
	}
	b, remove, err := prepare(ctx, o.archestra, talk)
	if err != nil {
		return err
	}
	defer remove()
	if o.install {
		if err := b.Install(); err != nil {
			fmt.Fprintln(talk, err) // it is reported as not available
		}
	}
	res, failed := measure.Run(ctx, b, plan, func(s string) { fmt.Fprintln(talk, s) })
	if res == nil {
		return failed
	}
	res.Command = strings.Join(append([]string{"go -C bench run ."}, args...), " ")
	res.Commit = commit(ctx)
	return errors.Join(failed, o.save(res, out))
}

func (o *options) plan() (measure.Plan, error) {
	plan := measure.Plan{Samples: o.samples, Time: o.seconds, Warm: o.warm}
	wanted := func(all string, name string) bool { return all == "" || slices.Contains(strings.Split(all, ","), name) }
	for _, l := range measure.Loads() {
		if o.loads == "" && (o.quick && !l.Quick || !o.quick && l.Smoke) || !wanted(o.loads, l.Name) {
			continue
		}
		plan.Loads = append(plan.Loads, l)
	}
	if o.quick {
		plan.Samples, plan.Time, plan.Warm = 1, 400*time.Millisecond, 150*time.Millisecond
		if o.subjects == "" {
			o.subjects = "floor,default"
		}
	}
	for _, s := range subject.All() {
		if s.Name == "direct" || s.Name == "rp" || wanted(o.subjects, s.Name) {
			plan.Subjects = append(plan.Subjects, s.Name)
		}
	}
	for _, name := range strings.Split(o.loads, ",") {
		if name != "" && !slices.ContainsFunc(plan.Loads, func(l measure.Load) bool { return l.Name == name }) {
			return plan, fmt.Errorf("there is no load %q: -list lists them", name)
		}
	}
	for _, name := range strings.Split(o.subjects, ",") {
		if name != "" && !slices.Contains(plan.Subjects, name) {
			return plan, fmt.Errorf("there is no subject %q: -list lists them", name)
		}
	}
	return plan, nil
}

func list(out io.Writer) error {
	var b strings.Builder
	b.WriteString("loads:\n")
	for _, l := range measure.Loads() {
		fmt.Fprintf(&b, "  %-17s %s\n", l.Name, l.About)
	}
	b.WriteString("subjects:\n")
	for _, s := range subject.All() {
		fmt.Fprintf(&b, "  %-17s %s\n", s.Name, s.About)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// save writes the report where it is wanted.
func (o *options) save(res *measure.Result, out io.Writer) error {
	if o.json != "" {
		text, err := json.MarshalIndent(res, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.write == "" {
		return report.Markdown(out, res)
	}
	file, err := os.Create(o.write)
	if err != nil {
		return err
	}
	return errors.Join(report.Markdown(file, res), file.Close())
}

// commit names what was measured, as far as git knows it.
func commit(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
