package policy

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// finding is what a built-in tier found against a call.
type finding struct {
	rule  *builtin
	value *fact.Value
	place *fact.Seen
	note  string // what a command would do
}

// builtin is a rule of the engine: what no fixed predicate can say.
type builtin struct {
	ID     string
	Action llm.Action
	Text   string // why, in a sentence; see reason.go for what is filled in
	Accept string
}

// The built-in rules. Their ids are stable: a user's file can disable them.
var (
	unreadable = &builtin{"unreadable-arguments", llm.ActionBlock, "the arguments can be read in more than one way, or not at all", "one well-formed JSON object without a repeated name"}
	attackID   = &builtin{"attack-identifier", llm.ActionBlock, "{arg} comes only from a text that carries the marks of an attack", "a value that you name yourself"}
	secretOut  = &builtin{"secret-out", llm.ActionBlock, "{arg} holds a secret ({secret})", "the call without the secret"}
	wipes      = &builtin{"destructive-command", llm.ActionBlock, "the command {note}, after untrusted input", "a command that names exactly what it removes"}
	pipedShell = &builtin{"piped-shell", llm.ActionBlock, "the command runs code straight from {arg}, which a tool result gave", "download it, read it, then run it"}
	persists   = &builtin{"persistent-write", llm.ActionBlock, "the command writes to {note}, after untrusted input", "make this change yourself, or name the file"}

	afterAttack = &builtin{"after-attack", llm.ActionAsk, "a tool result in this conversation carries the marks of an attack", "your approval"}
	proseID     = &builtin{"untrusted-identifier", llm.ActionAsk, "{arg} was only ever seen in running text that a tool returned", "a value that you name, or a text that you point to"}
	modelID     = &builtin{"unknown-identifier", llm.ActionAsk, "nobody wrote {arg} before: the model made it", "a value that you name"}
	fieldID     = &builtin{"unmandated-identifier", llm.ActionAsk, "{arg} is not what the text that you delegated to speaks of", "a value that you or that text names"}
	proseName   = &builtin{"untrusted-name", llm.ActionAsk, "{arg} was only ever seen in running text that a tool returned", "a value that you name, or a text that you point to"}
	link        = &builtin{"untrusted-link", llm.ActionAsk, "the address {arg} came out of a text that you did not point to", "an address that you name"}
	unasked     = &builtin{"unasked", llm.ActionAsk, "you did not ask for such an effect, and this conversation has read untrusted text", "ask for it yourself"}
	otherThing  = &builtin{"other-than-asked", llm.ActionAsk, "the call holds nothing of what you named where you asked for such an effect", "a call with the values that you named"}
	solicited   = &builtin{"solicited", llm.ActionAsk, "a text that a tool returned asks for this very effect", "name what it should act on"}
	shellHost   = &builtin{"command-host", llm.ActionAsk, "the command reaches {arg}, which was only ever seen in text that a tool returned", "a host that you name"}
	shellPipe   = &builtin{"command-pipe", llm.ActionAsk, "the command runs code straight from the net, after untrusted input", "download it, read it, then run it"}

	builtins = []*builtin{unreadable, attackID, secretOut, wipes, pipedShell, persists,
		afterAttack, proseID, modelID, fieldID, proseName, link, unasked, otherThing, solicited, shellHost, shellPipe}
)

// deny is the tier that blocks: what real benign runs never do.
func denyTier(f *fact.Facts) *finding {
	t := f.Tool
	if !t.Acts() && t.Class != fact.ClassOpenRead {
		return nil
	}
	if !f.Complete {
		return &finding{rule: unreadable}
	}
	for i := range f.Values {
		if v := &f.Values[i]; v.Secret != "" {
			return &finding{rule: secretOut, value: v}
		}
	}
	if !f.Labels.Untrusted {
		return nil
	}
	if t.Class == fact.ClassExecute {
		return denyCommand(f)
	}
	for i := range f.Values {
		if v := &f.Values[i]; v.Kind.Strong() && onlyTainted(v) {
			return &finding{rule: attackID, value: v, place: v.Proof()}
		}
	}
	return nil
}

// onlyTainted tells whether every place that a value was seen in is running text
// with the marks of an attack.
func onlyTainted(v *fact.Value) bool {
	for i := range v.Seen {
		if h := &v.Seen[i]; h.Origin != fact.Prose || !h.Tainted || h.Author {
			return false
		}
	}
	return len(v.Seen) > 0
}

// askTier is the tier that asks: what is doubtful once a session saw text that
// nobody vouches for.
func askTier(f *fact.Facts) *finding {
	t := f.Tool
	switch {
	case !f.Labels.Untrusted || t.Class == fact.ClassRead:
		return nil
	case t.Class == fact.ClassOpenRead:
		return askLink(f)
	case t.Class == fact.ClassExecute:
		return askCommand(f)
	case t.Local:
		return nil
	case f.Labels.Tainted:
		return &finding{rule: afterAttack, value: telling(f), place: taintedPlace(f)}
	case t.Verbs == fact.Prove:
		// A code or a password confirms an effect: it is as good as that effect.
		if f.Confirms != nil {
			return askTier(f.Confirms)
		}
		return nil
	}
	return askEffect(f)
}

// taintedPlace returns the place with the marks of an attack that is nearest to
// the call.
func taintedPlace(f *fact.Facts) *fact.Seen {
	for i := range f.Values {
		for k := range f.Values[i].Seen {
			if h := &f.Values[i].Seen[k]; h.Tainted {
				return h
			}
		}
	}
	for i := range f.Solicited {
		if f.Solicited[i].Tainted {
			return &f.Solicited[i]
		}
	}
	return f.Doubt
}

// telling returns the argument that says most of where a call comes from: one out
// of running text, else one out of a field, else where the effect goes.
func telling(f *fact.Facts) *fact.Value {
	var best *fact.Value
	score := -1
	for i := range f.Values {
		v, n := &f.Values[i], 0
		switch {
		case v.Role == fact.Quantity:
		case v.Origin == fact.Prose && v.Kind.Strong():
			n = 5
		case v.Origin == fact.Prose:
			n = 4
		case v.Kind.Strong():
			n = 3
		case v.Origin == fact.Field:
			n = 2
		case v.Role == fact.Names:
			n = 1
		}
		if n > score {
			best, score = v, n
		}
	}
	return best
}

// doubtful is a finding against a call as a whole.
func doubtful(rule *builtin, f *fact.Facts) *finding {
	g := &finding{rule: rule, value: telling(f), place: first(f.Solicited)}
	if g.place == nil && g.value != nil && g.value.Origin == fact.Prose {
		g.place = g.value.Proof()
	}
	if g.place == nil {
		g.place = f.Doubt
	}
	return g
}

// askLink asks before a page is opened that only an unnamed text led to: data can
// leave by an address.
func askLink(f *fact.Facts) *finding {
	for i := range f.Values {
		if v := &f.Values[i]; v.Kind == lex.Host && v.Origin == fact.Prose && !v.Linked() {
			return &finding{rule: link, value: v, place: v.Proof()}
		}
	}
	return nil
}

// askEffect weighs an effect: did the user ask for it, or a text that they
// delegated to; does it hold what they named; and who gave it its values?
func askEffect(f *fact.Facts) *finding {
	here := f.AtUserPlace()
	asked := f.Asked == fact.AskedFor || here
	switch {
	case !asked && !f.Mandate:
		return doubtful(unasked, f)
	case f.Asked == fact.AskedFor && f.Match == fact.MatchNothing && !f.Mandate && !here:
		return doubtful(otherThing, f)
	}
	if g := askIdentifiers(f, asked); g != nil {
		return g
	}
	byUser := true
	for i := range f.Values {
		v := &f.Values[i]
		if v.Role != fact.Names || v.Embedded {
			continue
		}
		if !v.Kind.Strong() && v.Origin == fact.Prose && !v.Vouched() {
			return &finding{rule: proseName, value: v, place: v.Proof()}
		}
		byUser = byUser && (v.Origin == fact.User || v.Known())
	}
	if byUser || f.Mandate || here {
		return nil
	}
	for i := range f.Solicited {
		if h := &f.Solicited[i]; !h.Named || h.Web || h.Tainted {
			return &finding{rule: solicited, value: telling(f), place: h}
		}
	}
	return nil
}

// askIdentifiers looks at what says where the effect goes.
func askIdentifiers(f *fact.Facts, asked bool) *finding {
	fromPage := false // a page gave a name
	byUser := true    // the user gave every identifier
	strong := 0
	for i := range f.Values {
		switch v := &f.Values[i]; {
		case v.Embedded || v.Role != fact.Names:
		case v.Kind.Strong():
			byUser = byUser && v.Origin == fact.User
			strong++
		case v.Origin == fact.Prose && v.FromWeb():
			fromPage = true
		}
	}
	for i := range f.Values {
		v := &f.Values[i]
		if !v.Kind.Strong() || v.Embedded && byUser && strong > 0 || v.Mandated || v.Trusted() {
			continue
		}
		switch v.Origin {
		case fact.Model:
			if !v.Embedded {
				return &finding{rule: modelID, value: v, place: f.Doubt}
			}
		case fact.Prose:
			ok := v.Known() || v.Kind == lex.Host && v.Linked() || v.Kind != lex.Host && v.Vouched() && !(fromPage && v.FromWeb())
			if !ok {
				return &finding{rule: proseID, value: v, place: v.Proof()}
			}
		case fact.Field:
			if !asked && !v.Vouched() {
				return &finding{rule: fieldID, value: v, place: v.Proof()}
			}
		}
	}
	return nil
}

func first(places []fact.Seen) *fact.Seen {
	if len(places) == 0 {
		return nil
	}
	return &places[0]
}
