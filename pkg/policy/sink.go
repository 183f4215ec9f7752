package policy

import (
	"sort"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Sink names where a call's effect goes: its tool and the identifiers that say
// where. An answer is remembered for it.
func Sink(f *fact.Facts) string {
	var ids, names []string
	for i := range f.Values {
		v := &f.Values[i]
		switch {
		case v.Embedded || v.Role != fact.Names:
		case v.Kind.Strong():
			ids = append(ids, v.Path+"="+v.Key)
		default:
			names = append(names, v.Path+"="+v.Text)
		}
	}
	if len(ids) == 0 {
		ids = names
	}
	sort.Strings(ids)
	return f.Tool.Name + "(" + strings.Join(ids, ", ") + ")"
}
