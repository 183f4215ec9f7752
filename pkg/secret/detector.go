package secret

import (
	"fmt"
	"slices"
	"strings"
)

// Options say what a Detector looks for.
type Options struct {
	// Secrets switches the rules on.
	Secrets bool
	// Known are secrets that the caller knows, by name: keys from the
	// environment or a .env file.
	Known []Known
	// Personal are the kinds of personal data to look for; see [DefaultPersonal].
	Personal []Kind
}

// DefaultPersonal are the kinds that are wrong to send almost always, and that
// carry a check of their own, so that few numbers are mistaken for them.
var DefaultPersonal = []Kind{KindCard, KindIBAN, KindSSN}

// Detector finds secrets and personal data in texts. It is safe for concurrent
// use.
type Detector struct {
	rules    *ruleSet
	known    *known
	personal kindSet
}

// New returns a Detector. The error tells that an option makes no sense.
func New(o Options) (*Detector, error) {
	d := &Detector{known: newKnown(o.Known)}
	for _, k := range o.Personal {
		if k.Secret() || !d.personal.add(k) {
			return nil, fmt.Errorf("%q is no kind of personal data", k)
		}
	}
	if o.Secrets {
		set, err := rules()
		if err != nil {
			return nil, err
		}
		d.rules = set
	}
	return d, nil
}

// Scan returns what is found in a text, in the order of the text; findings do
// not overlap.
func (d *Detector) Scan(text string) []Finding { return d.ScanFile("", text) }

// ScanFile does the same for the text of a file whose path is known: rules for
// some kinds of files then look at these only.
func (d *Detector) ScanFile(path, text string) []Finding {
	var found []Finding
	if d.rules != nil {
		found = d.rules.scan(found, path, text)
	}
	found = d.known.scan(found, text)
	found = d.personal.scan(found, text)
	return merge(found)
}

// rank says whose name a merged finding bears: the lower.
func rank(f *Finding) int {
	switch {
	case f.Kind == KindKnown:
		return 0
	case f.Rule == genericID:
		return 2
	case f.Kind == KindURL:
		return 3
	}
	return 1
}

// merge sorts findings and makes one of those that overlap.
func merge(found []Finding) []Finding {
	if len(found) < 2 {
		return found
	}
	slices.SortFunc(found, func(a, b Finding) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		if a.End != b.End {
			return b.End - a.End
		}
		if r := rank(&a) - rank(&b); r != 0 {
			return r
		}
		return strings.Compare(a.Rule, b.Rule)
	})
	out := found[:1]
	for _, f := range found[1:] {
		last := &out[len(out)-1]
		if f.Start >= last.End {
			out = append(out, f)
			continue
		}
		if rank(&f) < rank(last) {
			last.Kind, last.Rule = f.Kind, f.Rule
		}
		last.End = max(last.End, f.End)
	}
	return out
}
