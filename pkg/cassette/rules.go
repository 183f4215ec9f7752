package cassette

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// Rules say what of a request does not count when requests are compared. The
// zero value is no use; see [NewRules].
//
// Some members are left out always: metadata, user, safety_identifier,
// prompt_cache_key, prompt_cache_retention, client_metadata, session_id and
// labels, of the body's own members. They name users and sessions, for bills and
// caches, and no answer depends on them. Nor does the id of an item that OpenAI's
// responses are given, unless it refers to one that the provider keeps.
//
// Dates and times count, except in a line that announces the current one ("Today's
// date: 2026-11-25", "Current time is …"), as agents write it into their
// instructions; nor do the id and the time of a command that Codex has run.
// Secrets, and the paths of the user's home and of the working folder, are numbers
// in the order in which they come, so that those of another machine are as good.
// Data of more than 4 KiB, such as images, counts by its digest.
//
// Where more than this is new in every run, the file cassette.yaml in the folder
// says so:
//
//	ignore: [trace.id, input.t]   # members, by their names joined by dots
//	mask: ['/tmp/[a-z0-9]+']      # regular expressions (RE2), in any text
type Rules struct {
	ignore   map[string]bool
	mask     []*regexp.Regexp
	detector *secret.Detector
	places   []*regexp.Regexp // paths that are others on another machine
}

// Surroundings are what stands in texts and differs from one machine to another.
type Surroundings struct {
	Known []secret.Known // secrets to look for beside those that look like one
	Home  string         // the user's home; "" where it is not known
	Work  string         // the folder that programs run in
}

// rulesName is the file in a folder that says what does not count there.
const rulesName = "cassette.yaml"

var volatile = []string{
	"metadata",               // OpenAI, Anthropic: user_id, which Claude Code makes of account and session
	"user",                   // OpenAI
	"safety_identifier",      // OpenAI
	"prompt_cache_key",       // OpenAI; Codex sends its session's id
	"prompt_cache_retention", // OpenAI
	"client_metadata",        // Codex
	"session_id",             // OpenRouter and gateways
	"labels",                 // Vertex AI
}

// NewRules returns the rules that hold everywhere.
func NewRules(s Surroundings) (*Rules, error) {
	d, err := secret.New(secret.Options{Secrets: true, Known: s.Known})
	if err != nil {
		return nil, err
	}
	r := &Rules{ignore: map[string]bool{}, detector: d}
	for _, name := range volatile {
		r.ignore[name] = true
	}
	for _, path := range []string{s.Work, s.Home} { // the longer one first, where one is in the other
		path = filepath.Clean(path)
		if !filepath.IsAbs(path) || filepath.Dir(path) == path {
			continue // a root begins every path
		}
		re, err := regexp.Compile(`(?:^|[^\w/.])(` + regexp.QuoteMeta(path) + `)\b`)
		if err != nil {
			return nil, err
		}
		r.places = append(r.places, re)
	}
	return r, nil
}

// ReadRules returns the rules of a folder, which need not exist.
func ReadRules(dir string, s Surroundings) (*Rules, error) {
	r, err := NewRules(s)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, rulesName)
	f, err := os.Open(path) //nolint:gosec // the user's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var file struct {
		Ignore []string `yaml:"ignore"`
		Mask   []string `yaml:"mask"`
	}
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) { // an empty file is one
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range file.Ignore {
		r.ignore[name] = true
	}
	for _, text := range file.Mask {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("%s: mask: %w", path, err)
		}
		r.mask = append(r.mask, re)
	}
	return r, nil
}

func (r *Rules) ignored(path string) bool { return r.ignore[path] }

// placeholder is what the guard puts in the place of what must not leave, or a
// number of ours.
var placeholder = regexp.MustCompile(`REDACTED_([A-Z]+)_[0-9a-f]{16}`)

// secretSpans finds the secrets of a text, what stands for some already, and the
// paths that differ from machine to machine.
func (r *Rules) secretSpans(text string) []span {
	var spans []span
	add := func(start, end int, label string) {
		if !slices.ContainsFunc(spans, func(s span) bool { return start < s.end && s.start < end }) {
			spans = append(spans, span{start, end, label})
		}
	}
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		add(m[0], m[1], text[m[2]:m[3]])
	}
	for _, f := range r.detector.Scan(text) {
		add(f.Start, f.End, "SECRET")
	}
	for _, p := range r.places {
		for _, m := range p.FindAllStringSubmatchIndex(text, -1) {
			add(m[2], m[3], "PATH")
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	return spans
}

// A line that announces the current date or time, and what is one.
var (
	announced = regexp.MustCompile(`(?im)^.{0,24}\b(today'?s? (date )?is\b|today'?s date\b|current[ _-](date|time|datetime|day)\b|date and time\b|the date is\b|the time is\b).*$`)
	moment    = regexp.MustCompile(`(?i)\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?( ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?` +
		`|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}` +
		`|\d{1,2}:\d{2}(:\d{2})?( ?[ap]m)?( ?(UTC|GMT|CES?T|[ECMP][SD]T))?` +
		`|((mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?,? )?(\d{1,2}(st|nd|rd|th)? )?(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)\.? (\d{1,2}(st|nd|rd|th)?,? )?\d{4}` +
		`|\b(mon|tues|wednes|thurs|fri|satur|sun)day\b`)
)

// What Codex writes above the output of a command: an id and how long it took.
var codexHead = regexp.MustCompile(`(?m)^(Chunk ID: )[0-9a-f]+$|^(Wall time: )[0-9.]+ seconds$`)

func maskRuns(text string) string {
	if !strings.Contains(text, "Chunk ID: ") {
		return text
	}
	return codexHead.ReplaceAllString(text, "$1$2"+masked)
}

func maskDates(text string) string {
	if !announced.MatchString(text) {
		return text
	}
	return announced.ReplaceAllStringFunc(text, func(line string) string { return moment.ReplaceAllString(line, "<date>") })
}
