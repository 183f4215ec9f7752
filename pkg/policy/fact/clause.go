package fact

import "github.com/archestra-ai/archestra-cli/pkg/policy/lex"

// clause is one sentence or line, and what it speaks of.
type clause struct {
	cell        uint32
	first, last uint32 // tokens [first, last)
	verbs       Verbs  // asked for
	mine        Verbs  // asked for to the speaker ("tell me"): of the user, the answer itself is meant
	alone       Verbs  // of them, those that need no noun
	nouns       Nouns
	encoded     bool  // it stands behind an encoding
	own         Verbs // said by somebody of themselves ("I'm looking to book …"): no request
}

// clauses cuts the running text of a doc into sentences. Fields are left out:
// a value asks for nothing.
func clauses(d *lex.Doc) []clause {
	var out []clause
	for i := range d.Cells {
		c := &d.Cells[i]
		if c.Tokens == 0 || c.Kind == lex.Field && c.Tokens < 3 {
			continue
		}
		start := c.First
		for t := c.First; t < c.First+c.Tokens; t++ {
			if t+1 == c.First+c.Tokens || sentenceEnd(d.Text[d.Tokens[t].End:d.Tokens[t+1].Start]) {
				if cl := speak(d, uint32(i), start, t+1); cl.verbs|cl.own|cl.mine != 0 {
					out = append(out, cl)
				}
				start = t + 1
			}
		}
	}
	// What stands behind an encoding is one sentence for each encoded run.
	for t := d.Visible; t < len(d.Tokens); {
		start := t
		for t < len(d.Tokens) && d.Tokens[t].Hash != 0 {
			t++
		}
		if t-start >= 3 {
			if cl := speak(d, d.Tokens[start].Cell, uint32(start), uint32(t)); cl.verbs|cl.mine != 0 {
				cl.encoded = true
				out = append(out, cl)
			}
		}
		t++
	}
	return out
}

func sentenceEnd(gap string) bool {
	for i := 0; i < len(gap); i++ {
		switch gap[i] {
		case '!', '?', ';':
			return true
		case '.':
			if i+1 < len(gap) && (gap[i+1] == ' ' || gap[i+1] == '\n' || gap[i+1] == '\\' || gap[i+1] == '"' || gap[i+1] == '\'' || gap[i+1] == '<') {
				return true
			}
		case '\n':
			if i+1 < len(gap) && gap[i+1] == '\n' {
				return true
			}
		case '\\':
			if i+1 < len(gap) && gap[i+1] == 'n' {
				return true
			}
		}
	}
	return false
}

func speak(d *lex.Doc, cell, first, last uint32) clause {
	cl := clause{cell: cell, first: first, last: last}
	var lightVerb bool
	var deeds Verbs
	for t := first; t < last; t++ {
		w, ok := vocabulary[d.Tokens[t].Hash]
		if !ok {
			continue
		}
		cl.nouns |= w.noun
		if w.verb == 0 && w.deed == 0 {
			continue
		}
		noun := t > first && beforeNoun[d.Tokens[t-1].Hash]
		if noun {
			if definite[d.Tokens[t-1].Hash] {
				deeds |= w.deed &^ Create // "the event" is there already
			} else {
				deeds |= w.deed
			}
			continue
		}
		if w.deed != 0 && t > first {
			deeds |= w.deed
		}
		if denied(d, first, t) {
			continue
		}
		if w.verb&light != 0 && !(t+1 < last && toMe[d.Tokens[t+1].Hash]) {
			lightVerb = true
		}
		if w.verb&Send != 0 && t+1 < last && toMe[d.Tokens[t+1].Hash] {
			cl.mine |= w.verb
			continue
		}
		own := itself(d, first, t)
		if own {
			cl.own |= w.verb &^ light
			continue
		}
		cl.verbs |= w.verb &^ light
		if w.alone {
			cl.alone |= w.verb
		}
	}
	if lightVerb {
		cl.verbs |= deeds
		cl.alone |= deeds
	}
	return cl
}

var definite = hashes("the this that these those his her their its our your my same")

var toMe = hashes("me us")

var forget = lex.Hash("forget")

// denied tells whether the verb at t is turned round by a word before it, as in
// "do not send", but not "don't forget to send".
func denied(d *lex.Doc, first, t uint32) bool {
	for k := t; k > first && t-k < 4; k-- {
		h := d.Tokens[k-1].Hash
		if h == forget {
			return false
		}
		if denies[h] && t-k < 3 {
			return !(k < t && d.Tokens[k].Hash == forget || k+1 < t && d.Tokens[k+1].Hash == forget)
		}
	}
	return false
}

var reminds = hashes("remind reminds reminder reminding")

var selfPlans = hashes("ll looking planning going intend hoping thinking might")

// itself tells whether somebody speaks of their own plan: "I'll book it later",
// "I'm looking to book". "I want to", "I need to" and "I'd like to" ask.
func itself(d *lex.Doc, first, t uint32) bool {
	plan := false
	for k := t; k > first && t-k < 4; k-- {
		h := d.Tokens[k-1].Hash
		if reminds[h] {
			return true // "remind me to book": the user will book
		}
		if selfPlans[h] {
			plan = true
		}
		if self[h] {
			return plan
		}
	}
	return false
}
