package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

type exportOptions struct {
	filterFlags
	format string
	output string
	limit  int
}

// exporter writes interactions in a format.
type exporter interface {
	begin() error
	add(ctx context.Context, i *llm.Interaction) error
	end() error
}

var exportFormats = []string{"jsonl", "har", "md"}

func newExport(a *app) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export --format jsonl|har|md",
		Short: "Write recorded interactions for other tools",
		Long: `Writes recorded interactions, oldest first: as JSON lines with the fields of
archestra logs --json, as an HTTP archive (HAR 1.2) that browsers and debugging
proxies open, or as Markdown for people.

Credentials were left out when the interactions were recorded, and so were secrets
and personal data that were found in requests.`,
		Example: `  archestra export --format jsonl --since 7d -o week.jsonl
  archestra export --format har --filter state:failed -o failed.har
  archestra export --format md --filter profile:ci --limit 1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.export(cmd.Context(), cmd, o) },
	}
	o.add(cmd)
	cmd.Flags().StringVar(&o.format, "format", "", "jsonl, har or md")
	cmd.Flags().StringVarP(&o.output, "output", "o", "-", "the file to write; - is standard output")
	cmd.Flags().IntVarP(&o.limit, "limit", "n", 0, "at most so many, the newest; 0 for all")
	// Registering can only fail for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return exportFormats, cobra.ShellCompDirectiveNoFileComp
	})
	addSourceFlags(cmd)
	return cmd
}

func (a *app) export(ctx context.Context, cmd *cobra.Command, o exportOptions) (err error) {
	if !slices.Contains(exportFormats, o.format) {
		return usagef("--format %q: want jsonl, har or md", o.format)
	}
	if o.limit < 0 {
		return usagef("--limit %d: want a count, or 0 for all", o.limit)
	}
	q := control.Query{Limit: o.limit}
	if q.Filter, q.Since, err = o.parse(time.Now()); err != nil {
		return err
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()

	var out io.Writer = a.out
	if o.output != "-" {
		f, err := newOutput(o.output)
		if err != nil {
			return err
		}
		defer func() { err = f.finish(err) }()
		out = f
	}
	n, err := exportTo(ctx, out, o.format, src, q)
	if err == nil && o.output != "-" {
		a.say("Wrote %s to %s.", plural(n, "interaction"), o.output)
	}
	return err
}

func exportTo(ctx context.Context, out io.Writer, format string, src *source, q control.Query) (n int64, err error) {
	buffered := bufio.NewWriter(out)
	var x exporter
	switch format {
	case "har":
		x = &harExporter{w: buffered, src: src}
	case "md":
		x = &markdownExporter{w: buffered, src: src}
	default:
		x = jsonlExporter{buffered}
	}
	if err := x.begin(); err != nil {
		return 0, err
	}
	for i, err := range src.Interactions(ctx, q) {
		if err != nil {
			return n, err
		}
		if err := x.add(ctx, i); err != nil {
			return n, err
		}
		n++
	}
	if err := x.end(); err != nil {
		return n, err
	}
	return n, buffered.Flush()
}

type jsonlExporter struct{ w io.Writer }

func (x jsonlExporter) begin() error                                    { return nil }
func (x jsonlExporter) add(_ context.Context, i *llm.Interaction) error { return writeJSON(x.w, i) }
func (x jsonlExporter) end() error                                      { return nil }

// output is a file that appears under its name when it is whole. Conversations
// are private: only its owner can read it.
type output struct {
	*os.File
	path string
}

func newOutput(path string) (*output, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return nil, err
	}
	return &output{f, path}, nil
}

// finish gives the file its name, or removes it where err says that it failed.
func (o *output) finish(err error) error {
	err = errors.Join(err, o.Close())
	if err == nil {
		err = os.Rename(o.Name(), o.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.Name()))
	}
	return nil
}

// readBody reads one side of an interaction, without its content encoding.
// A body that was not kept is nil.
func readBody(ctx context.Context, src *source, id string, side control.Side) ([]byte, error) {
	body, err := src.Body(ctx, id, side, true)
	if errors.Is(err, control.ErrNotKept) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}
