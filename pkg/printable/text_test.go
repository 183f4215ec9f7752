package printable

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestNew(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":                 {"hello, wörld 世界", "hello, wörld 世界"},
		"empty":                 {"", ""},
		"lines":                 {"a\n\tb", "a\n\tb"},
		"crlf":                  {"a\r\nb", "a␍\nb"},
		"colour":                {"\x1b[31mred\x1b[0m", "␛[31mred␛[0m"},
		"bell, null, delete":    {"\a\x00\x7f", "␇␀␡"},
		"8-bit control":         {"\u009b31m", "⟨U+009B⟩31m"},
		"next line":             {"a\u0085b", "a⟨U+0085⟩b"},
		"right-to-left":         {"invoice_\u202egnp.exe", "invoice_⟨U+202E⟩gnp.exe"},
		"isolates":              {"\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"},
		"zero width":            {"a\u200bb", "a⟨U+200B⟩b"},
		"zero width, many":      {"a\u200b\u200b\u200bb", "a⟨U+200B ×3⟩b"},
		"byte-order mark":       {"\ufeffx", "⟨U+FEFF⟩x"},
		"soft hyphen":           {"pass\u00adword", "pass⟨U+00AD⟩word"},
		"line separator":        {"a\u2028b\u2029c", "a⟨U+2028⟩b⟨U+2029⟩c"},
		"tags":                  {"x" + tags("ignore \"all\""), `x⟨hidden: "ignore \"all\""⟩`},
		"tags with controls":    {"x\U000e0001\U000e0061\U000e007f", `x⟨hidden: "\x01a\x7f"⟩`},
		"selectors as data":     {"x\ufe00\U000e0100\U000e0158", `x⟨hidden: "\x00\x10h"⟩`},
		"selector on a letter":  {"a\ufe0fb", "a⟨U+FE0F⟩b"},
		"selector on a symbol":  {"⚠\ufe0f ok", "⚠\ufe0f ok"},
		"second selector":       {"⚠\ufe0f\ufe0f", `⚠⟨hidden: "\x0f\x0f"⟩`},
		"keycap":                {"1\ufe0f\u20e3", "1\ufe0f\u20e3"},
		"selector at a digit":   {"1\ufe0f2", "1⟨U+FE0F⟩2"},
		"joiner":                {"👨\u200d💻", "👨⟨U+200D⟩💻"},
		"no-break space":        {"a\u00a0b\u202fc\u3000d", "a␣b␣c␣d"},
		"Hangul filler":         {"a\u3164b", "a⟨U+3164⟩b"},
		"Braille blank":         {"a\u2800b", "a⟨U+2800⟩b"},
		"private use":           {"\ue000", "⟨U+E000⟩"},
		"noncharacters":         {"\uffff\U0001ffff", "⟨U+FFFF⟩⟨U+1FFFF⟩"},
		"replacement character": {"\ufffd", "\ufffd"},
		"invalid":               {"a\xff\xfe\x80b", "a⟨0xFF FE 80⟩b"},
		"cut rune":              {"\xe4\xb8", "⟨0xE4 B8⟩"},
		"surrogate":             {"\xed\xa0\x80", "⟨0xED A0 80⟩"},
		"overlong":              {"\xc0\x9b", "⟨0xC0 9B⟩"},
		"mark":                  {"e\u0301", "e\u0301"},
		"mark on nothing":       {"\u0301a \u0301b\n\u0301", "◌\u0301a ◌\u0301b\n◌\u0301"},
		"mark behind our words": {"\x1b\u0338", "␛◌\u0338"},
		"flood of marks":        {"e" + strings.Repeat("\u0301", 9), "e" + strings.Repeat("\u0301", 4) + "⟨U+0301 ×5⟩"},
		"flood of jamo":         {"\u1112" + strings.Repeat("\u1161", 9), "\u1112" + strings.Repeat("\u1161", 4) + "⟨U+1161 ×5⟩"},
		"look-alike letters":    {"g\u0456thub.com", "g\u0456thub.com"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := New(tt.in).String(); got != tt.want {
				t.Errorf("New(%+q)\n got %+q\nwant %+q", tt.in, got, tt.want)
			}
			if got := Bytes([]byte(tt.in)).String(); got != tt.want {
				t.Errorf("Bytes(%+q) = %+q", tt.in, got)
			}
		})
	}
}

func tags(s string) string {
	return strings.Map(func(r rune) rune { return firstTag + r }, s)
}

func TestLine(t *testing.T) {
	const in, want = "a\n\tb\x1b", "a␊␉b␛"
	if got := Line(in).String(); got != want {
		t.Errorf("Line = %q, want %q", got, want)
	}
	if got := New(in).Line().String(); got != want {
		t.Errorf("New.Line = %q, want %q", got, want)
	}
}

func TestJoin(t *testing.T) {
	got := Join([]Text{New("a\x1b"), New("b")}, "\a ").String()
	if want := "a␛␇ b"; got != want {
		t.Errorf("Join = %q, want %q", got, want)
	}
}

// check fails unless s holds nothing but what a text may: printable runes that
// are no format, and line feeds and tabs where lines says so.
func check(t *testing.T, s string, lines bool) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Fatalf("%+q is not valid UTF-8", s)
	}
	for _, r := range s {
		switch {
		case lines && (r == '\n' || r == '\t'):
		case !unicode.IsPrint(r), unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
			t.Fatalf("%+q holds %U", s, r)
		case isTag(r), r >= 0xE0100 && r <= 0xE01EF, r == 0x2800, r == 0x3164:
			t.Fatalf("%+q holds %U, which cannot be seen", s, r)
		}
	}
}

// hostile are strings of each kind, for when the shared set is not there.
var hostile = []string{
	"\x1b]52;c;cm0gLXJmIH4K\a", "\x1b]8;;https://evil.test/\x1b\\https://github.com\x1b]8;;\x1b\\",
	"rm -rf ~\r\x1b[2Kls", "\x1bPtmux;\x1b\x1b]52;c;QQ==\a\x1b\\", "\u009d0;t\u009c", "\x1b[12;34",
	"rm -rf /\b\b\b\b\b\b\b\bls -la  ", "\u202dabc\u202c", "a\u180eb", "\u061ca", "\U000e0001\U000e0041",
	"e" + strings.Repeat("\u0489", 200), "\xf4\x90\x80\x80", "\ufffe", "\U0001d173", "👩\u200d👩\u200d👧",
}

func TestHostile(t *testing.T) {
	cases := hostile
	if f, err := os.Open("../../../shared/security/terminal.jsonl"); err == nil {
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var c struct{ Text string }
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			cases = append(cases, c.Text)
		}
		if err := lines.Err(); err != nil || len(cases) == len(hostile) {
			t.Fatalf("the shared cases were not read: %v", err)
		}
	}
	for _, c := range cases {
		verify(t, c)
		if c != "" && New(c).Empty() {
			t.Errorf("%+q vanished", c)
		}
	}
}

// verify checks all that holds for any input.
func verify(t *testing.T, s string) {
	t.Helper()
	text := New(s)
	check(t, text.String(), true)
	check(t, Line(s).String(), false)
	if again := New(text.String()); again.String() != text.String() {
		t.Fatalf("%+q is made printable as %+q, and that as %+q", s, text.String(), again.String())
	}
	for _, cells := range []int{0, 1, 2, 3, 7, 40} {
		cutText := text.Truncate(cells)
		check(t, cutText.String(), true)
		if w := cutText.Width(); w > cells {
			t.Fatalf("%+q cut to %d cells takes %d", s, cells, w)
		}
		if text.Width() <= cells && !strings.Contains(text.s, "\t") && cutText != text {
			t.Fatalf("%+q fits into %d cells, but was cut to %+q", s, cells, cutText.String())
		}
		for _, line := range text.Wrap(cells) {
			check(t, line.String(), false)
			if w := line.Width(); w > max(cells, 1) {
				t.Fatalf("%+q wrapped to %d cells has a line of %d: %+q", s, cells, w, line.String())
			}
		}
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	escaped := EscapeJSON(nil, quoted)
	check(t, string(escaped), false)
	var back string
	if err := json.Unmarshal(escaped, &back); err != nil || back != strings.Map(sameRune, s) {
		t.Fatalf("%+q became %s (%v), which is %+q", s, escaped, err, back)
	}
}

// sameRune, mapped over a string, makes each invalid byte a replacement
// character of its own, as encoding/json does.
func sameRune(r rune) rune { return r }

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("1\ufe0f\u20e3 a\tb\n\u0301")
	f.Fuzz(func(t *testing.T, s string) { verify(t, s) })
}

func BenchmarkNew(b *testing.B) {
	plain := strings.Repeat("func main() { fmt.Println(42) }\n", 2000)
	words := strings.Repeat("Größenordnung — 世界 ✓ e\u0301\n", 2000)
	for name, s := range map[string]string{"ascii": plain, "mixed": words} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				New(s)
			}
		})
	}
}
