package fact

import "github.com/archestra-ai/archestra-cli/pkg/llm"

// Example makes facts without a conversation, for the examples in rules: seen
// tells by argument path where a value comes from; what it does not tell the model
// made.
func Example(c llm.ToolCall, labels Labels, asked Asked, seen map[string]Origin) *Facts {
	f := &Facts{Tool: ToolOf(llm.Tool{Name: c.Name}), Labels: labels, Asked: asked, Match: MatchOpen}
	f.leaves, f.Complete = Leaves(c)
	for i := range f.leaves {
		l := &f.leaves[i]
		f.Values = append(f.Values, Value{Path: l.Path, Text: l.Value, Role: l.Role, Kind: l.Kind, Key: l.Key, Origin: seen[l.Path]})
		embedded(l, func(v Value, _ *Leaf) bool {
			v.Origin = seen[l.Path]
			f.Values = append(f.Values, v)
			return len(f.Values) < maxNames
		})
	}
	return f
}
