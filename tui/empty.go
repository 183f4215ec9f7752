package tui

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// base is where clients reach the proxy, up to the provider's name.
func (m *model) base() string {
	b := m.opts.BaseURL
	if m.status.BaseURL != "" {
		b = m.status.BaseURL
	}
	if b == "" {
		b = "http://localhost:9000"
	}
	b = strings.TrimSuffix(b, "/")
	return strings.TrimSuffix(b, "/v1") + "/v1"
}

// empty is what stands in place of an empty list.
func (m *model) empty(width int) []paint.Line {
	var out []paint.Line
	put := func(style paint.Style, t printable.Text) {
		for _, row := range t.Wrap(max(width-2, 10)) {
			var l paint.Line
			l.Gap(1)
			l.Add(style, row)
			out = append(out, l)
		}
	}
	gap := func() { out = append(out, paint.Line{}) }
	gap()
	switch {
	case len(m.list.rows.all) > 0 && m.partial:
		put(paint.Plain, paint.Words("Searching…"))
		return out
	case len(m.list.rows.all) > 0:
		put(paint.Plain, paint.Words("Nothing matches the filter. esc clears it, / changes it."))
		return out
	case !m.attached:
		put(paint.Plain, paint.Words("No server yet. Start one in another terminal:"))
		gap()
		put(paint.Key, paint.Words("  archestra serve"))
		return out
	}
	put(paint.Bold, paint.Words("No traffic yet. Point a client here:"))
	gap()
	b := m.base()
	if width < 60+len(b)-len("http://localhost:9000/v1")+12 { // a line that is to be copied must not be cut
		var l paint.Line
		l.Gap(1)
		l.Add(paint.Key, printable.Line("B="+b))
		out = append(out, l)
		b = "$B"
	}
	for _, v := range []struct{ name, path string }{
		{"ANTHROPIC_BASE_URL", "/anthropic/default"},
		{"OPENAI_BASE_URL", "/openai/default"},
		{"GOOGLE_GEMINI_BASE_URL", "/gemini/default"},
	} {
		var l paint.Line
		l.Gap(1)
		l.Add(paint.Key, printable.Line("export "+v.name+"="+b+v.path))
		out = append(out, l)
	}
	gap()
	put(paint.Plain, paint.Words("or let archestra set them for one command:"))
	gap()
	put(paint.Key, paint.Words("  archestra run -- claude"))
	put(paint.Key, paint.Words("  archestra env"))
	gap()
	put(paint.Dim, paint.Words("\"default\" is the profile: any other name begins another one."))
	return out
}
