package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// value builds what encoding/json would, by the scanner alone.
func value(s *jsonscan.Scanner) any {
	switch s.Kind() {
	case jsonscan.Object:
		m := map[string]any{}
		for k := range s.Object() {
			key := string(k)
			m[key] = value(s)
		}
		return m
	case jsonscan.Array:
		a := []any{}
		for range s.Array() {
			a = append(a, value(s))
		}
		return a
	case jsonscan.String:
		return s.Text()
	case jsonscan.Bool:
		v, _ := s.Bool()
		return v
	case jsonscan.Null:
		s.Skip()
		return nil
	default:
		return json.Number(s.Raw())
	}
}

// literals cuts data at its quotes: some of what comes of it is a string.
func literals(data []byte) [][]byte { return bytes.Split(data, []byte(`"`)) }

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5e3,-0,true,false,null,"x\n\u00e9\ud83d\ude00\ud800"],"b":{"c":{}},"":[]}`,
		`[[[]]]`, `"\"`, `{"a":1,"a":2}`, ` 12 `, `{"a" 1}`, `[1,]`, `nul`, "\"a\x01\"", "\ufeff{}", `01`, `{"\u0061":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := jsonscan.New(data)
		got := value(s)
		err := s.End()
		if valid := json.Valid(data); valid != (err == nil) {
			t.Fatalf("valid is %v to encoding/json, error here: %v", valid, err)
		}
		for _, lit := range literals(data) {
			if a, b := jsonscan.Unescape(lit), string(jsonscan.AppendUnescaped(nil, lit)); a != b {
				t.Fatalf("%q is %q and %q", lit, a, b)
			}
		}
		skip := jsonscan.New(data)
		skip.Skip()
		if e := skip.End(); (e == nil) != (err == nil) {
			t.Fatalf("Skip and a full read disagree: %v, %v", e, err)
		}
		if err != nil {
			value(jsonscan.Again(data, 0)) // whatever it gives, it does not panic
			return
		}
		again := jsonscan.Again(data, 0)
		if second := value(again); !reflect.DeepEqual(got, second) || again.End() != nil {
			t.Fatalf("read again it is %#v, first %#v", second, got)
		}
		if utf8.Valid(data) {
			dec := json.NewDecoder(strings.NewReader(string(data)))
			dec.UseNumber()
			var want any
			if err := dec.Decode(&want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("got %#v, want %#v", got, want)
			}
		} else if jsonscan.Check(data) == nil {
			t.Fatal("Check let broken UTF-8 pass")
		}
	})
}

func TestLoopsLeftEarly(t *testing.T) {
	s := jsonscan.New([]byte(`{"a":{"x":[1,{"y":2},3],"z":"]}"},"b":7}`))
	var b int64
	for k := range s.Object() {
		switch string(k) {
		case "a":
			for range s.Object() {
				for range s.Array() {
					break
				}
				break
			}
		case "b":
			b, _ = s.Int()
		}
	}
	if err := s.End(); err != nil || b != 7 {
		t.Fatalf("b=%d err=%v", b, err)
	}
}

func TestCheck(t *testing.T) {
	for _, bad := range []string{
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"x":{"m":1,"m":1}}]`, "\ufeff{}", "{\"a\":\"\xff\"}",
		`{"a":NaN}`, `{} {}`, ``, `{"a":1,}`, strings.Repeat("[", 20000) + strings.Repeat("]", 20000),
	} {
		if jsonscan.Check([]byte(bad)) == nil {
			t.Errorf("%.40q passed", bad)
		}
	}
	many := map[string]int{}
	for i := range 100 {
		many[strings.Repeat("k", i)] = i
	}
	ok, _ := json.Marshal(many)
	if err := jsonscan.Check(ok); err != nil {
		t.Error(err)
	}
	twice := strings.Replace(string(ok), `"kk":2`, `"kkkk":2`, 1)
	if jsonscan.Check([]byte(twice)) == nil {
		t.Error("a duplicate among many names passed")
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"hello \"you\""},{"role":"assistant"}],"stream":true}`)
	var s jsonscan.Scanner
	n := testing.AllocsPerRun(100, func() {
		s.Reset(body)
		for k := range s.Object() {
			if string(k) == "messages" {
				for range s.Array() {
					s.Raw()
				}
			}
		}
		if s.End() != nil {
			t.Fatal(s.Err())
		}
	})
	if n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzString(f *testing.F) {
	f.Add("a\"\\\n\x00\u2028é😀\xff")
	f.Fuzz(func(t *testing.T, text string) {
		lit := jsonscan.AppendString(nil, text)
		var want string
		if err := json.Unmarshal(lit, &want); err != nil {
			t.Fatal(err)
		}
		if got := jsonscan.New(lit).Text(); got != want || got != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Fatalf("%q became %q, want %q", text, got, want)
		}
		if got := string(jsonscan.New(lit).AppendText([]byte("x"))); got != "x"+want {
			t.Fatalf("%q appended became %q, want %q", text, got, want)
		}
	})
}

func BenchmarkSkip(b *testing.B) {
	var sb strings.Builder
	sb.WriteString(`{"messages":[`)
	for i := range 64 {
		if i > 0 {
			sb.WriteByte(',')
		}
		sb.WriteString(`{"role":"user","content":"` + strings.Repeat(`func main() {\n\tfmt.Println(\"hi\")\n}\n some prose that goes on for a while `, 40) + `"}`)
	}
	sb.WriteString(`]}`)
	data := []byte(sb.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var s jsonscan.Scanner
	for b.Loop() {
		s.Reset(data)
		s.Skip()
	}
}

func TestJump(t *testing.T) {
	body := []byte(`{"a":[{"x":1}, {"y":[2]},3]}`)
	s := jsonscan.New(body)
	var got []string
	for range s.Object() {
		for i := range s.Array() {
			if at := s.Pos(); i == 1 {
				s.Jump(at + len(`{"y":[2]}`))
				continue
			}
			got = append(got, string(s.Raw()))
		}
	}
	if err := s.End(); err != nil || strings.Join(got, " ") != `{"x":1} 3` {
		t.Fatalf("%q, %v", got, err)
	}
}

func BenchmarkCheck(b *testing.B) {
	data := []byte(`{"messages":[` + strings.Repeat(`{"role":"user","content":[{"type":"text","text":"func main() {\n\tfmt.Println(\"hi\")\n}\n some prose that goes on for a while"}]},`, 500) + `{}]}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := jsonscan.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}

// twice tells whether an object of the text holds a name twice, by encoding/json.
func twice(t *testing.T, dec *json.Decoder) (found bool) {
	token := func() json.Token {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	switch token() {
	case json.Delim('{'):
		names := map[string]bool{}
		for dec.More() {
			name := token().(string)
			found = found || names[name]
			names[name] = true
			found = twice(t, dec) || found
		}
		token()
	case json.Delim('['):
		for dec.More() {
			found = twice(t, dec) || found
		}
		token()
	}
	return found
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"a":1,"b":[{"c":1,"d":{"c":2}},{"c":1}]},"b":{"a":1}}`, `[{"a":1,"\u0061":1}]`, `{"a":{"b":1,"b":2},"c":[]}`,
		`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":{"1":1},"11":1,"12":1,"13":1,"14":1,"15":1,"16":1,"17":1,"18":1,"17":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want := json.Valid(data) && utf8.Valid(data)
		if want {
			dec := json.NewDecoder(strings.NewReader(string(data)))
			dec.UseNumber()
			want = !twice(t, dec)
		}
		if err := jsonscan.Check(data); (err == nil) != want {
			t.Fatalf("%q: %v, want it to pass: %v", data, err, want)
		}
	})
}

// Long strings are read by the window; what breaks or ends them is found
// wherever it stands.
func TestLongStrings(t *testing.T) {
	for _, at := range []int{0, 7, 127, 128, 129, 135, 136, 1151, 1152, 1153, 1160, 2183, 2184, 2185, 3000, 5000} {
		for c, wrong := range map[string]string{`\`: "a wrong escape", "\x1f": "a control character in a string", "\x00": "a control character in a string"} {
			data := []byte(`"` + strings.Repeat("x", at) + c + strings.Repeat("é", 1500) + `"`)
			s := jsonscan.New(data)
			s.Skip()
			var breach *jsonscan.SyntaxError
			if !errors.As(s.Err(), &breach) || breach.Offset != 1+at || breach.Msg != wrong {
				t.Errorf("%q at %d: %v", c, at, s.Err())
			}
		}
		data := []byte(`["` + strings.Repeat("x", at) + `\n` + strings.Repeat("é", at) + `", 1]`)
		s := jsonscan.New(data)
		for i := range s.Array() {
			if i == 0 {
				if got, want := s.Text(), strings.Repeat("x", at)+"\n"+strings.Repeat("é", at); got != want {
					t.Errorf("%d: %d bytes, want %d", at, len(got), len(want))
				}
			}
		}
		if err := s.End(); err != nil {
			t.Error(err)
		}
	}
}
