package tui

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// facts is what the screen shows of a call's record of facts. Words that it
// does not know are shown as they are.
type facts struct {
	Tool struct {
		Class string `json:"class"`
		Does  string `json:"does"`
		Local bool   `json:"local"`
	} `json:"tool"`
	Session   map[string]any `json:"session"`
	Values    []factValue    `json:"values"`
	Complete  *bool          `json:"complete"`
	Asked     string         `json:"asked"`
	Match     string         `json:"match"`
	Delegated bool           `json:"delegated"`
	Mandate   bool           `json:"mandate"`
	Solicited []factPlace    `json:"solicited"`
	Doubt     *factPlace     `json:"doubt"`
	Confirms  *facts         `json:"confirms"`
}

// factValue is one value of the arguments, and where it was seen before.
type factValue struct {
	Path   string      `json:"path"`
	Value  string      `json:"value"`
	Role   string      `json:"role"`
	Kind   string      `json:"kind"`
	Secret string      `json:"secret"`
	Origin string      `json:"origin"`
	Seen   []factPlace `json:"seen"`
}

// factPlace is a place in the conversation.
type factPlace struct {
	Origin  string `json:"origin"`
	Form    string `json:"form"`
	Message int    `json:"message"`
	Tool    string `json:"tool"`
	Key     string `json:"key"`
	Start   int    `json:"start"`
	End     int    `json:"end"`
	Named   bool   `json:"named"`
	Tainted bool   `json:"tainted"`
	Trusted bool   `json:"trusted"`
	Web     bool   `json:"web"`
}

// What the words of facts mean, in sentences.
var (
	classWords = map[string]string{"read": "it looks at what is yours", "open_read": "it fetches from a place that its arguments name",
		"effect": "it changes or sends something", "destructive": "it takes something away", "execute": "it runs code or commands"}
	askedWords = map[string]string{"no": "you asked for no such thing", "weakly": "you spoke of doing such a thing yourself", "yes": "you asked for such a thing"}
	matchWords = map[string]string{"other": "the call holds nothing of what you named", "source": "what you named is where it was to look",
		"open": "you named nothing in particular", "named": "the call holds what you named"}
	originWords = map[string]string{"model": "made by the model", "user": "from you", "system": "from the instructions",
		"tool.field": "from a field that a tool returned", "tool.prose": "from running text that a tool returned"}
	labelWords = []struct{ label, words string }{{"untrusted", "text that nobody vouches for"}, {"tainted", "attack wording or hidden characters"},
		{"private", "private data"}, {"secret", "secrets"}}
)

// meant is a word with what it means.
func meant(words map[string]string, s string) string {
	if w := words[s]; w != "" {
		return s + ": " + w
	}
	return s
}

// maxValues bounds the values and the places that are listed for one call.
const maxValues = 200

// facts adds the record that a verdict was made from.
func (g *page) facts(raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	var f facts
	if err := json.Unmarshal(raw, &f); err != nil {
		g.labelled(paint.Words("facts"), "they cannot be read: "+err.Error())
		g.json(raw)
		return
	}
	g.heading(paint.Words("  What the rules saw"))
	f.show(g)
}

func (f *facts) show(g *page) {
	tool := meant(classWords, f.Tool.Class)
	if f.Tool.Does != "" {
		tool += " (" + strings.ReplaceAll(f.Tool.Does, "+", ", ") + ")"
	}
	if f.Tool.Local {
		tool += ", on this machine only"
	}
	g.labelled(paint.Words("class"), tool)
	asked := meant(askedWords, f.Asked)
	if f.Delegated {
		asked += "; you told the agent to do what a text says"
	}
	if f.Mandate {
		asked += "; a text that you named asks for it"
	}
	g.labelled(paint.Words("asked"), asked)
	g.labelled(paint.Words("match"), meant(matchWords, f.Match))
	g.labelled(paint.Words("session"), f.labels())
	if f.Doubt != nil {
		g.labelled(paint.Words("doubt"), f.Doubt.words())
	}
	for k := range f.Solicited {
		if k < maxValues {
			g.labelled(paint.Words("urged by"), f.Solicited[k].words())
		}
	}
	for k := range f.Values {
		if k == maxValues {
			g.note(line("  and %d values more", len(f.Values)-k).String())
			break
		}
		g.value(&f.Values[k])
	}
	if f.Complete != nil && !*f.Complete {
		g.labelled(paint.Words("but"), "its arguments could not all be read, or could be read in two ways")
	}
	if f.Confirms != nil {
		g.empty()
		g.heading(paint.Words("  What it confirms"))
		f.Confirms.show(g)
	}
}

// labels says what the session has seen.
func (f *facts) labels() string {
	var seen []string
	for _, l := range labelWords {
		if v, ok := f.Session[l.label].(bool); ok && v {
			seen = append(seen, l.words)
		}
	}
	if len(seen) == 0 {
		return "has seen nothing that calls for caution"
	}
	return "has seen " + strings.Join(seen, ", ")
}

// value adds a value with the places where it was seen.
func (g *page) value(v *factValue) {
	text := strconv.Quote(trimRune(v.Value, 400))
	if v.Secret != "" {
		text = "a secret: " + v.Secret
	}
	var l paint.Line
	l.Gap(2)
	l.Add(paint.Bold, printable.Line(v.Path))
	if v.Kind != "" {
		l.Add(paint.Dim, printable.Line(" ("+v.Kind+")"))
	}
	g.line(l)
	origin := v.Origin
	if w := originWords[origin]; w != "" {
		origin = w
	}
	if v.Role == "content" && v.Origin == "model" {
		origin = "not traced: it is content"
	}
	g.labelled(paint.Words("  value"), text)
	g.labelled(paint.Words("  origin"), origin)
	for k := range v.Seen {
		if k == 3 {
			g.labelled(paint.Words("  source"), line("and %d places more", len(v.Seen)-k).String())
			break
		}
		g.labelled(paint.Words("  source"), v.Seen[k].words())
	}
}

// words says where a place is, and what is known of it.
func (p *factPlace) words() string {
	words := originWords[p.Origin]
	if words == "" {
		words = p.Origin
	}
	words = strings.TrimPrefix(words, "from ")
	if p.Tool != "" {
		words = strings.Replace(words, "a tool returned", p.Tool+" returned", 1)
	}
	if p.Key != "" {
		words += ", in " + strconv.Quote(p.Key)
	}
	if p.Message >= 0 {
		words += line(", message %d, bytes %d-%d", p.Message, p.Start, p.End).String()
	}
	if p.Form != "" && p.Form != "exact" {
		words += ", " + p.Form
	}
	for _, x := range []struct {
		is    bool
		words string
	}{{p.Tainted, "attack wording or hidden characters stand there"}, {p.Web, "from the web"}, {p.Named, "you named it"}, {p.Trusted, "trusted"}} {
		if x.is {
			words += "; " + x.words
		}
	}
	return words
}
