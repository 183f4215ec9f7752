package paint

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// TestNoStrings type-checks this package and asserts that nothing of its API
// takes a string, bytes or an arbitrary value, in whatever wrapping: what is
// drawn is a printable.Text or a constant of the source.
func TestNoStrings(t *testing.T) {
	pkg := check(t)
	var bad func(t types.Type, seen map[types.Type]bool) string
	bad = func(t types.Type, seen map[types.Type]bool) string {
		if seen[t] {
			return ""
		}
		seen[t] = true
		if n, ok := types.Unalias(t).(*types.Named); ok {
			switch {
			case n.Obj().Pkg() != nil && n.Obj().Pkg().Path() != pkg.Path() && n.Obj().Name() == "Text":
				return "" // a printable.Text is the way in
			case n.Obj().Pkg() == pkg && n.Obj().Name() == "constant":
				return "" // only a constant can become one
			case n.Obj().Pkg() == pkg && types.IsInterface(n):
				return "an interface"
			}
		}
		switch u := t.Underlying().(type) {
		case *types.Basic:
			if u.Info()&types.IsString != 0 || u.Kind() == types.Byte || u.Kind() == types.Int32 {
				if u.Kind() != types.Uint8 || t.String() == "byte" || t.String() == "uint8" {
					return u.String()
				}
			}
		case *types.Slice:
			return bad(u.Elem(), seen)
		case *types.Array:
			return bad(u.Elem(), seen)
		case *types.Pointer:
			return bad(u.Elem(), seen)
		case *types.Struct:
			for f := range u.Fields() {
				if f.Exported() {
					if why := bad(f.Type(), seen); why != "" {
						return why
					}
				}
			}
		case *types.Interface, *types.Signature, *types.Map, *types.Chan:
			return t.String()
		}
		return ""
	}
	params := 0
	signature := func(name string, s *types.Signature) {
		for p := range s.Params().Variables() {
			params++
			if why := bad(p.Type(), map[types.Type]bool{}); why != "" {
				t.Errorf("%s takes %s: %s", name, p.Type(), why)
			}
		}
	}
	for _, name := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Func:
			signature(name, o.Signature())
		case *types.TypeName:
			for sel := range types.NewMethodSet(types.NewPointer(o.Type())).Methods() {
				if sel.Obj().Exported() {
					signature(name+"."+sel.Obj().Name(), sel.Obj().(*types.Func).Signature())
				}
			}
		}
	}
	if params < 20 {
		t.Errorf("only %d parameters were looked at", params)
	}
}

// TestOnlyConstants compiles what a view might try.
func TestOnlyConstants(t *testing.T) {
	for source, ok := range map[string]bool{
		`func f(l *paint.Line) { l.Say(paint.Plain, "words") }`:                             true,
		`func f(l *paint.Line, t printable.Text) { l.Add(paint.Plain, t) }`:                 true,
		`func f(l *paint.Line, s string) { l.Say(paint.Plain, s) }`:                         false,
		`func f(l *paint.Line, s string) { l.Add(paint.Plain, s) }`:                         false,
		`func f(l *paint.Line, s string) { l.Add(paint.Plain, paint.Words(s)) }`:            false,
		`func f(l *paint.Line, s string) { l.Say(paint.Plain, paint.constant(s)) }`:         false,
		`func f(l *paint.Line, s string) { l.Add(paint.Plain, printable.Text{s}) }`:         false,
		`type w string; func f(l *paint.Line, s w) { l.Fill(paint.Plain, s, 1) }`:           false,
		`const c string = "typed"; func f(l *paint.Line) { l.Say(paint.Plain, c) }`:         false,
		`func f(l *paint.Line, s string) { l.Add(paint.Plain, printable.Line(s)) }`:         true,
		`func f(t *paint.Theme, s string) string { return t.Draw([]string{s}, 80, 24) }`:    false,
		`func f(s string) []paint.Line { return []paint.Line{{spans: nil}} }`:               false,
		`func f(t paint.Theme, l paint.Line) string { return t.Draw([]paint.Line{l}, 1,1)}`: true,
	} {
		if got := compiles(t, source); got != ok {
			t.Errorf("%s compiles: %t", source, got)
		}
	}
}

// check type-checks this package's source.
func check(t *testing.T) *types.Package {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			f, err := parser.ParseFile(positions, e.Name(), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	pkg, err := (&types.Config{Importer: sources}).Check("paint", positions, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// One importer for all checks: it reads the sources of what is imported.
var (
	positions = token.NewFileSet()
	sources   = importer.ForCompiler(positions, "source", nil)
)

func compiles(t *testing.T, source string) bool {
	t.Helper()
	text := "package p\nimport (\"github.com/archestra-ai/archestra-cli/tui/paint\"; \"github.com/archestra-ai/archestra-cli/pkg/printable\")\n" +
		"var _ paint.Line; var _ printable.Text\n" + source
	f, err := parser.ParseFile(positions, "p.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&types.Config{Importer: sources}).Check("p", positions, []*ast.File{f}, nil)
	return err == nil
}

func TestFit(t *testing.T) {
	for _, width := range []int{0, 1, 5, 9, 10, 11, 40} {
		var l Line
		l.Say(Bold, "日本")
		l.Add(Plain, printable.Line("語 text"))
		l.Fit(width)
		if l.Width() != width {
			t.Errorf("fitted to %d: %d cells", width, l.Width())
		}
		theme := NewTheme(Look{Color: true})
		if n := ansi.StringWidth(theme.Draw([]Line{l}, width, 1)); n != width {
			t.Errorf("drawn at %d: %d cells", width, n)
		}
	}
}

// TestFrom asserts that lines which begin alike do not write into each other.
func TestFrom(t *testing.T) {
	var lead Line
	lead.Gap(1)
	lead.Gap(1)
	lead.Gap(1) // room for one more span
	a, b := From(lead), From(lead)
	a.Say(Plain, "a")
	b.Say(Plain, "b")
	if got := a.Text().String() + b.Text().String(); got != "   a   b" {
		t.Errorf("%q", got)
	}
}

func TestASCII(t *testing.T) {
	var l Line
	l.Say(Good, "┌─▸ ✓ done ≈188 –→– ␛[31m")
	l.Add(Plain, printable.Line("grüße 日本 \u202e"))
	theme := NewTheme(Look{ASCII: true, Color: true})
	out := theme.Draw([]Line{l}, 60, 1)
	for _, r := range out {
		if r > 0x7e {
			t.Fatalf("%q holds %q", out, r)
		}
	}
	if n := ansi.StringWidth(out); n != 60 {
		t.Errorf("%d cells", n)
	}
}

// TestNoColor asserts that without colours only bold, faint and reversed remain.
func TestNoColor(t *testing.T) {
	for _, dark := range []bool{true, false} {
		theme := NewTheme(Look{Dark: dark})
		for b := range backs {
			for s := range styles {
				open := strings.NewReplacer("\x1b[", "", "m", "").Replace(theme.open[b][s])
				for _, code := range strings.FieldsFunc(open, func(r rune) bool { return r == ';' }) {
					if code != "1" && code != "2" && code != "7" {
						t.Errorf("style %d on %d: %q", s, b, theme.open[b][s])
					}
				}
			}
		}
	}
}
