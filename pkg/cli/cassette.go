package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/cassette"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
	"github.com/archestra-ai/archestra-cli/pkg/store"
)

// tapeFlags are the flags of serve by which it answers from recorded traffic, or
// records a cassette.
type tapeFlags struct{ record, replay, speed, miss string }

func (f *tapeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.record, "record", "", "write what is exchanged into a folder, without credentials, to be replayed")
	cmd.Flags().StringVar(&f.replay, "replay", "", "answer from such a folder, or from what was recorded and a filter picks; no key is needed")
	cmd.Flags().StringVar(&f.speed, "replay-speed", "recorded", "with the recorded timing, or at once: recorded or instant")
	cmd.Flags().StringVar(&f.miss, "replay-miss", "error", "what becomes of a request that was not recorded: error, or forward to the provider")
	// Neither can fail for flags that are there.
	_ = cmd.MarkFlagDirname("record")
	_ = cmd.MarkFlagDirname("replay")
	for name, words := range map[string][]string{"replay-speed": {"recorded", "instant"}, "replay-miss": {"error", "forward"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (f *tapeFlags) check(cmd *cobra.Command) error {
	switch {
	case f.speed != "recorded" && f.speed != "instant":
		return usagef("--replay-speed %s: want recorded or instant", f.speed)
	case f.miss != "error" && f.miss != "forward":
		return usagef("--replay-miss %s: want error or forward", f.miss)
	case f.replay == "" && (cmd.Flags().Changed("replay-speed") || cmd.Flags().Changed("replay-miss")):
		return usagef("--replay-speed and --replay-miss say how --replay answers; give that too")
	case f.replay != "" && f.record != "" && f.miss == "error":
		return usagef("--replay and --record together need --replay-miss forward: what is not recorded yet is asked of the provider, and recorded")
	}
	return nil
}

// tape puts a tape before the upstreams, if the flags want one, and says what it is.
func (a *app) tape(ctx context.Context, f tapeFlags, said *string) func(*house, *proxy.Options) error {
	return func(h *house, o *proxy.Options) error {
		if f.record == "" && f.replay == "" {
			return nil
		}
		opts := cassette.Options{
			Record: f.record, Forward: f.miss == "forward", Recorded: f.speed == "recorded",
			MaxDecoded: h.cfg.Limits.Decompressed, Log: h.log,
		}
		around := cassette.Surroundings{Known: secret.FromEnvironment(os.Environ()), Work: a.workdir}
		around.Home, _ = os.UserHomeDir() // where there is none, no path is in it
		var err error
		if f.record != "" {
			if opts.Rules, err = cassette.ReadRules(f.record, around); err != nil {
				return err
			}
			*said = "It records a cassette to " + f.record + "."
		}
		if f.replay != "" {
			if opts.Replay, err = h.library(ctx, f.replay, around); err != nil {
				return err
			}
			h.upstreams.Offline()
			*said = strings.TrimSpace(fmt.Sprintf("It answers from the %s: %s. %s", opts.Replay.Title, plural(int64(opts.Replay.Len()), "exchange"), *said))
			if f.miss == "error" {
				*said += " Nothing else leaves this machine."
			}
		}
		t, err := cassette.New(opts)
		if err != nil {
			return err
		}
		o.Tape = func(x proxy.Outgoing, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			res, err := t.RoundTrip(cassette.Call{
				Request: x.Request, Provider: x.Target.Provider.Name, API: x.Target.API, Format: x.Target.Format, Path: x.Target.Rest, Note: x.Note,
			}, send)
			var miss *cassette.MissError
			if errors.As(err, &miss) {
				// A status that no SDK tries again.
				err = &provider.Error{Status: http.StatusBadRequest, Code: "not_recorded", Format: x.Target.Format, Message: miss.Message}
			}
			return res, err
		}
		return nil
	}
}

// library reads a cassette folder or, where there is none of that name, picks
// from what was recorded.
func (h *house) library(ctx context.Context, from string, around cassette.Surroundings) (*cassette.Library, error) {
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		rules, err := cassette.ReadRules(from, around)
		if err != nil {
			return nil, err
		}
		l, err := cassette.ReadFolder(from, rules)
		if err == nil && l.Len() == 0 {
			err = fmt.Errorf("the folder %s holds no cassette", from)
		}
		return l, err
	}
	if strings.HasPrefix(from, ".") || strings.HasPrefix(from, "/") {
		return nil, fmt.Errorf("replay: there is no folder %s", from)
	}
	expr, err := filter.Parse(from)
	if err != nil {
		return nil, fmt.Errorf("replay: %s is no folder; as a filter: %w", from, err)
	}
	rules, err := cassette.NewRules(around)
	if err != nil {
		return nil, err
	}
	l := cassette.NewLibrary("records that "+from+" picks", rules)
	kept := keptTraffic{store: h.store.Reader, rules: rules, maxDecoded: h.cfg.Limits.Decompressed}
	for i, err := range h.store.Each(ctx, store.Query{Filter: expr}) {
		if err != nil {
			return nil, err
		}
		if !replayable(i) {
			continue
		}
		q, _, err := kept.request(ctx, i)
		if errors.Is(err, errNotWhole) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.Add(i.ID, q, func(ctx context.Context) (*cassette.Episode, error) { return kept.episode(ctx, i.ID) })
	}
	if l.Len() == 0 {
		return nil, fmt.Errorf("replay: there is no folder %s, and nothing that was recorded whole fits the filter", from)
	}
	return l, nil
}

// replayable tells that an exchange has an answer of a provider's own.
func replayable(i *llm.Interaction) bool {
	if i.State != llm.StateDone && i.State != llm.StateFailed || i.Status == 0 || i.Status == http.StatusSwitchingProtocols {
		return false
	}
	if i.Error != nil && i.Error.Source == llm.SourceArchestra {
		return false
	}
	for _, n := range i.Notes {
		if strings.HasPrefix(n, cassette.AnsweredFrom) {
			return false
		}
	}
	return true
}

// keptTraffic reads exchanges of the store as those of a cassette.
type keptTraffic struct {
	store      *store.Reader
	rules      *cassette.Rules
	maxDecoded int64
}

// errNotWhole tells that of an exchange not everything was kept.
var errNotWhole = errors.New("it was not kept whole")

func (k keptTraffic) request(ctx context.Context, i *llm.Interaction) (cassette.Request, provider.Target, error) {
	u, err := url.ParseRequestURI(i.Path)
	if err != nil {
		return cassette.Request{}, provider.Target{}, errNotWhole
	}
	target, err := provider.Resolve(i.Method, u.EscapedPath())
	if err != nil {
		return cassette.Request{}, target, errNotWhole // of a provider that is not known any more
	}
	body, header, err := k.store.Body(ctx, i.ID, store.Request)
	if err != nil {
		return cassette.Request{}, target, err
	}
	if body.Truncated || header == nil {
		return cassette.Request{}, target, errNotWhole
	}
	plain, err := record.Decode(body.Data, body.Encoding, k.maxDecoded)
	if err != nil {
		plain = body.Data
	}
	return k.rules.Normalise(cassette.Sent{
		Provider: target.Provider.Name, API: target.API, Method: i.Method, Path: target.Rest, Query: u.RawQuery,
		Body: plain, ContentType: header.Get("Content-Type"),
	}), target, nil
}

func (k keptTraffic) episode(ctx context.Context, id string) (*cassette.Episode, error) {
	i, err := k.store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	q, target, err := k.request(ctx, i)
	if err != nil {
		return nil, err
	}
	body, header, err := k.store.Body(ctx, id, store.Response)
	if err != nil {
		return nil, err
	}
	if body.Truncated {
		return nil, errNotWhole
	}
	if body.Encoding == "" {
		header.Del("Content-Encoding") // it was kept without
	}
	return &cassette.Episode{Name: id, Request: q, Response: cassette.NewResponse(q, target.Format, i.Status, header, body.Data, timingOf(i))}, nil
}

// timingOf says when the parts of an answer came after its request was sent.
func timingOf(i *llm.Interaction) cassette.Timing {
	var t cassette.Timing
	if i.Timing == nil {
		return t
	}
	var sent time.Duration
	if g := i.Timing.GuardsMS; g != nil {
		sent = g.Duration()
	}
	since := func(d time.Duration) time.Duration { return max(d-sent, 0) }
	if h := i.Timing.ResponseHeaderMS; h != nil {
		t.Header = since(h.Duration())
	}
	for _, a := range i.Timing.Arrivals {
		t.Body = append(t.Body, cassette.Mark{End: a[0], At: since(time.Duration(a[1]) * time.Microsecond)})
	}
	if len(t.Body) == 0 && i.Timing.FirstByteMS != nil {
		t.Body = []cassette.Mark{{End: i.ResponseBytes, At: since(i.Timing.FirstByteMS.Duration())}}
	}
	return t
}
