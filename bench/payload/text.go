package payload

import (
	"math/rand/v2"
	"strings"
)

// text writes code and prose from a seed.
type text struct{ r *rand.Rand }

func newText(seed uint64) text { return text{rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))} }

var (
	nouns = strings.Fields(`account address answer archive area attempt balance batch block body bucket buffer cache call card chunk client
		clock column commit config count counter cursor customer data date deadline delta digest document driver edge entry error event
		field file filter flag folder frame graph group handler hash head header index input interval invoice item journal key label
		layer length level limit line link list lock log map mark member message meter method mode model name node note number object
		offset option order output owner page parent part path payload period plan point pool port price process profile queue quota
		range rate reader record region report request result retry root route row rule sample schema scope score segment server
		session setting shard side signal size slot snapshot socket source span stage state status step store stream string sum table
		tag target task tenant term test thread tick ticket timer token total trace tree turn type unit update usage user value vector
		version view wait watch weight window word worker writer zone`)
	verbs = strings.Fields(`accept add append apply assign await begin bind build cancel check clear clone close collect compare compute
		convert copy create decode delete derive detect drain emit encode ensure evict expand export fetch filter find flush fold format
		grow handle import insert join keep load lock make match measure merge move open parse peek plan pop print push read rebuild
		record reduce refresh release remove render replace report reset resolve restore resume retry return rotate run save scan
		schedule select send serve settle shrink skip sort split start stop store sum swap sync take tell trim update validate verify
		visit wait wake walk wrap write`)
	kinds = []string{"string", "int", "error", "[]byte", "time.Duration", "bool", "context.Context", "int64", "float64", "map[string]int"}
)

func (t text) pick(words []string) string {
	// The product of two favours the beginning, as words do.
	return words[int(t.r.Float64()*t.r.Float64()*float64(len(words)))]
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (t text) name() string { return t.pick(verbs) + title(t.pick(nouns)) }

// prose writes at least n bytes of sentences.
func (t text) prose(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString("The " + t.pick(nouns) + " must " + t.pick(verbs) + " the " + t.pick(nouns))
		switch t.r.IntN(4) {
		case 0:
			b.WriteString(" before the " + t.pick(nouns) + " can " + t.pick(verbs) + " it")
		case 1:
			b.WriteString(", since " + t.pick(nouns) + " and " + t.pick(nouns) + " are not the same")
		case 2:
			b.WriteString(" whenever `" + t.name() + "` returns an error")
		}
		b.WriteString(". ")
	}
	return b.String()
}

// code writes at least n bytes of a source file.
func (t text) code(n int) string {
	var b strings.Builder
	for b.Len() < n {
		recv, fn := t.pick(nouns), title(t.name())
		b.WriteString("// " + fn + " " + t.pick(verbs) + "s the " + t.pick(nouns) + " of a " + recv + ".\n")
		b.WriteString("func (" + recv[:1] + " *" + title(recv) + ") " + fn + "(" + t.pick(nouns) + " " + t.pick(kinds) + ") error {\n")
		for range 3 + t.r.IntN(6) {
			v := t.pick(nouns)
			switch t.r.IntN(4) {
			case 0:
				b.WriteString("\t" + v + ", err := " + recv[:1] + "." + t.name() + "(" + t.pick(nouns) + ")\n\tif err != nil {\n\t\treturn fmt.Errorf(\"" +
					t.pick(verbs) + " " + v + ": %w\", err)\n\t}\n")
			case 1:
				b.WriteString("\tfor _, " + v + " := range " + recv[:1] + "." + t.pick(nouns) + "s {\n\t\t" + t.name() + "(" + v + ")\n\t}\n")
			case 2:
				b.WriteString("\t" + recv[:1] + "." + v + " = " + t.pick(nouns) + "." + title(t.name()) + "()\n")
			default:
				b.WriteString("\t// " + t.prose(30) + "\n")
			}
		}
		b.WriteString("\treturn nil\n}\n\n")
	}
	return b.String()
}
