package fact

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Class says how much harm a tool can do.
type Class uint8

// The classes, from the mildest.
const (
	ClassRead        Class = iota // looks at what is the user's own
	ClassOpenRead                 // fetches from a place that its arguments name: data can leave by it
	ClassEffect                   // changes something, or sends it
	ClassDestructive              // takes something away
	ClassExecute                  // runs code or commands
)

var classNames = [...]string{"read", "open_read", "effect", "destructive", "execute"}

func (c Class) String() string { return classNames[c%5] }

// ParseClass reads a class by its name.
func ParseClass(s string) (Class, bool) {
	for i, n := range classNames {
		if n == s {
			return Class(i), true
		}
	}
	return 0, false
}

// Tool is what is known of a tool by its name, its schema and its annotations.
type Tool struct {
	Name  string `json:"name"`
	Class Class  `json:"class"`
	Verbs Verbs  `json:"does"`
	Nouns Nouns  `json:"-"`
	// Local tells of an effect on files of this machine that can be taken back:
	// no other person sees it.
	Local bool     `json:"local,omitempty"`
	words []uint64 // nouns of its name that the vocabulary does not know
}

// Acts reports whether the tool has an effect.
func (t *Tool) Acts() bool { return t.Class >= ClassEffect }

// toolRead holds the verbs of names that say "only looks"; they win over other
// meanings of the word.
var toolRead = hashes(`get list read search find view show query lookup look check describe count calculate compute total summarize info
	status inspect explore ls cat grep glob head tail stat diff display retrieve select filter compare analyze analyse parse recommend suggest translate
	fetch load output history think preview estimate return returns calculates gets finds lists searches reads retrieves shows views`)

// toolRun holds the words of names of tools that run what they are given.
var toolRun = hashes("execute run exec bash shell eval terminal invoke command commands console python javascript powershell sql sandbox interpreter subprocess")

// ToolOf describes a tool. A tool that the request does not declare is described
// by its name alone.
func ToolOf(t llm.Tool) *Tool {
	out := &Tool{Name: t.Name}
	name := words(baseName(t.Name))
	params := parameters(t.Parameters)
	out.classify(name, t.Description)
	for _, p := range params.names {
		for _, w := range words(p) {
			h := lex.Hash(w)
			switch {
			case urlWords[h]:
				params.url = true
			case pathWords[h]:
				params.path = true
			case personWords[h]:
				params.person = true
			}
		}
	}
	if out.Class == ClassRead && (params.url || out.Nouns&Web != 0 && len(name) > 1 && name[len(name)-1] != "search" || params.openWorld) {
		out.Class = ClassOpenRead
		out.Verbs |= Visit
	}
	if out.Verbs&Create != 0 && params.path && !params.person && out.Nouns&(Message|Channel|Person) == 0 {
		out.Verbs &^= Send // to write a file is no sending
	}
	if out.Class == ClassEffect && out.Nouns&(Money|Person|Event|Channel|Message) == 0 && !params.person && !params.url && params.path &&
		out.Verbs&(Delete|Send&^Create|Pay|Buy|Grant|React|Prove) == 0 {
		out.Local = true
	}
	if out.Class == ClassEffect && out.Verbs&(Fetch|Create|Change) != 0 && out.Nouns&File != 0 && params.path && !params.url && !params.person && out.Verbs&Delete == 0 {
		out.Local = true
	}
	if out.Class == ClassEffect && out.Nouns == Task && !params.url && !params.person {
		out.Local = true // an agent's own notes: to-do lists, plans
	}
	// Annotations are the server's own words: they may raise caution, never lower it.
	if params.destructive && out.Class < ClassDestructive && out.Class >= ClassEffect {
		out.Class = ClassDestructive
	}
	if params.writes && out.Class < ClassEffect {
		out.Class = ClassEffect
	}
	if out.Class >= ClassDestructive {
		out.Local = false
	}
	return out
}

var (
	urlWords    = hashes("url uri link href website domain host hostname endpoint webhook")
	pathWords   = hashes("path dir directory folder file filename filepath cwd")
	personWords = hashes("recipient recipients to cc bcc email emails user username users participant participants member collaborator address phone")
)

func (t *Tool) classify(name []string, description string) {
	var verb word
	found := false
	for i, s := range name {
		h := lex.Hash(s)
		w, known := vocabulary[h]
		if known {
			t.Nouns |= w.noun
		}
		switch {
		case found:
			// "send_money": the noun chooses below.
			if !known && len(s) > 2 {
				t.words = append(t.words, h)
			}
			if toolRun[h] && i == len(name)-1 && verb.verb&Run != 0 {
				t.Class = ClassExecute
			}
		case toolRun[h]:
			t.Class, t.Verbs, found, verb = ClassExecute, Run, true, word{verb: Run}
		case toolRead[h] && w.verb&Send == 0:
			t.Class, t.Verbs, found = ClassRead, Read, true
			verb = word{verb: Read}
		case w.verb&(acting|Visit|Read) != 0 && !(w.noun != 0 && i+1 < len(name) && hasVerb(name[i+1:])):
			found, verb = true, w
		default:
			if !known && len(s) > 2 {
				t.words = append(t.words, h)
			}
		}
	}
	if !found {
		t.describe(description)
		return
	}
	if t.Class == ClassExecute || verb.verb&^(Read|Visit) == 0 && verb.verb&Read != 0 {
		return
	}
	t.settle(verb.verb)
}

func hasVerb(rest []string) bool {
	for _, s := range rest {
		h := lex.Hash(s)
		if w := vocabulary[h]; toolRead[h] || w.verb&acting != 0 && w.noun == 0 {
			return true
		}
	}
	return false
}

// describe classifies a tool whose name holds no verb, by the first verb of its
// description ("Calculates the total of the cart"). Without any it is taken for
// an effect.
func (t *Tool) describe(description string) {
	for i, s := range words(description) {
		if i > 3 {
			break
		}
		h := lex.Hash(s)
		if toolRead[h] {
			t.Class, t.Verbs = ClassRead, Read
			return
		}
		w := vocabulary[h]
		if w.verb == 0 && strings.HasSuffix(s, "s") {
			w = vocabulary[lex.Hash(s[:len(s)-1])]
		}
		if v := w.verb & (acting | Visit); v != 0 {
			t.settle(v)
			return
		}
	}
	t.Class, t.Verbs = ClassEffect, Create|Change|Send
}

// settle turns the meanings of a verb into the tool's, with the help of its nouns.
func (t *Tool) settle(v Verbs) {
	n := t.Nouns
	v &^= Obey | light
	switch {
	case v&Delete != 0 && v&(Send|Create) == 0:
		t.Class, t.Verbs = ClassDestructive, Delete
		return
	case v&Visit != 0 && v&(Send|Create|Change|Delete|Fetch|Prove) == 0:
		t.Class, t.Verbs = ClassOpenRead, Visit
		return
	case n&Goods != 0 && v&(Create|Buy) != 0:
		v = Buy
	case n&Money != 0 && n&(Message|Repo) == 0 && v&(Pay|Create|Send) != 0:
		v = Pay | v&Create
	case v&Grant != 0 && n&(Person|Repo) != 0 && v&(Create|Pay|Grant) != 0:
		v = Grant
	case n&Message != 0 && v&Send != 0:
		v = Send
	case v&Prove != 0 && v&Grant == 0:
		v = Prove
	case v&Change != 0 && v&(Create|Send) == 0:
		v = Change
	case v&Fetch != 0:
		v = Fetch
	}
	t.Class, t.Verbs = ClassEffect, v&(acting|Visit)
	if t.Verbs&acting == 0 {
		t.Verbs |= Change
	}
}

// baseName drops the server from "mcp__server__tool" and "server.tool".
func baseName(name string) string {
	if i := strings.LastIndex(name, "__"); i >= 0 && i+2 < len(name) {
		name = name[i+2:]
	}
	if i := strings.LastIndexAny(name, "./:"); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	return name
}

// words cuts a name or a text into lower-case words, at capitals too.
func words(s string) []string {
	var out []string
	start := -1
	flush := func(end int) {
		if start >= 0 && end > start {
			out = append(out, strings.ToLower(s[start:end]))
		}
		start = -1
	}
	var prev rune
	for i, r := range s {
		if i > 400 {
			flush(i)
			return out
		}
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case !letter:
			flush(i)
		case start < 0:
			start = i
		case unicode.IsUpper(r) && (unicode.IsLower(prev) || unicode.IsUpper(prev) && lowerNext(s[i:])):
			flush(i)
			start = i
		}
		prev = r
	}
	flush(len(s))
	return out
}

func lowerNext(s string) bool {
	_, n := utf8.DecodeRuneInString(s)
	r, _ := utf8.DecodeRuneInString(s[n:])
	return unicode.IsLower(r)
}

type params struct {
	names                          []string
	url, path, person              bool
	openWorld, destructive, writes bool
}

// parameters reads the names of a JSON schema's properties, and MCP annotations
// where a client left them in it.
func parameters(schema []byte) params {
	var p params
	s := jsonscan.New(schema)
	for key := range s.Object() {
		switch string(key) {
		case "properties":
			for name := range s.Object() {
				p.names = append(p.names, string(name))
			}
		case "annotations":
			for name := range s.Object() {
				n := string(name)
				v, ok := s.Bool()
				switch {
				case !ok:
				case n == "openWorldHint":
					p.openWorld = v
				case n == "destructiveHint":
					p.destructive = v
				case n == "readOnlyHint":
					p.writes = !v
				}
			}
		}
	}
	return p
}
