package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

const (
	lowerNum = "abcdefghijklmnopqrstuvwxyz0123456789"
	mixed    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lowerNum
)

// noise makes characters that no one has written, always the same for a seed.
func noise(seed uint64, n int, alphabet string) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

var (
	github  = "ghp_" + noise(4, 36, mixed)
	generic = noise(14, 32, lowerNum)
	pem     = "-----BEGIN EC PRIVATE KEY-----\n" + noise(1, 64, mixed) + "\n" + noise(2, 64, mixed) + "\n-----END EC PRIVATE KEY-----"
	odd     = "p\"a\\s/s<wörd>\n9"
	iban    = "DE89370400440532013000"
)

func detector(t testing.TB) *secret.Detector {
	t.Helper()
	d, err := secret.New(secret.Options{Secrets: true, Known: []secret.Known{{Name: "ODD", Value: odd}}, Personal: secret.DefaultPersonal})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func scanner(t testing.TB) *Scanner { return New(detector(t), 1<<20) }

// quote returns a text as a JSON string, as Go writes it: with <, > and & escaped.
func quote(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func scan(t testing.TB, s *Scanner, body string) []Hit {
	t.Helper()
	hits, err := s.Scan([]byte(body), nil)
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return hits
}

// place is what a test wants to know of a hit.
type place struct{ Where, Value string }

func places(body string, hits []Hit) (list []place) {
	for _, h := range hits {
		list = append(list, place{h.Where, value([]byte(body)[h.Start:h.End], h.depth)})
	}
	return list
}

func TestScan(t *testing.T) {
	message := func(content string) string { return `{"messages":[{"role":"user","content":` + content + `}]}` }
	call := func(arguments string) string {
		return `{"messages":[{},{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":` + arguments + `}}]}]}`
	}
	const content, arguments = "messages[0].content", "messages[1].tool_calls[0].function.arguments"
	split := `\u0067hp_` + strings.ReplaceAll(github[4:], "a", `\u0061`)
	for _, c := range []struct {
		name, body string
		want       []place
	}{
		{"plain", message(quote("use " + github + " for it")), []place{{content, github}}},
		{"none", message(quote("use nothing for it")), nil},
		{"escapes before", message(quote("ö\n\t\"" + github + "\"\n")), []place{{content, github}}},
		{"spelled with escapes", message(`"x \ud83d\ude00 ` + split + ` y"`), []place{{content, github}}},
		{"parts", message(`[{"type":"text","text":"hi"},{"type":"text","text":` + quote(github) + `}]`), []place{{content + "[1].text", github}}},
		{"private key", message(quote("see\n" + pem + "\nthere")), []place{{content, pem}}},
		{"arguments", call(quote(`{"a": 1, "token": ` + quote(github) + `}`)), []place{{arguments, github}}},
		{"arguments spelled with escapes", call(quote(`{"a":"` + split + `"}`)), []place{{arguments, github}}},
		{"private key in arguments", call(quote(`{"key":` + quote("k:\n"+pem) + `}`)), []place{{arguments, pem}}},
		{"private key two levels down", call(quote(`{"body":` + quote(`{"key":`+quote(pem)+`}`) + `}`)), []place{{arguments, pem}}},
		{"known", message(quote("it is " + odd + "!")), []place{{content, odd}}},
		{"known in arguments", call(quote(`{"p":` + quote(odd) + `}`)), []place{{arguments, odd}}},
		{"known two levels down", call(quote(`[{"p":` + quote(quote([]string{odd})) + `}]`)), []place{{arguments, odd}}},
		{"a JSON string in a string", call(quote(quote("a\nb " + odd))), []place{{arguments, odd}}},
		{"a name tells", call(quote(`{"client_secret": "` + generic + `"}`)), []place{{arguments, generic}}},
		{"a name tells in tool_use", `{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"login":{"client_secret":"` + generic + `","note":"a\nb"}}}]}]}`,
			[]place{{"messages[0].content[0].input.login.client_secret", generic}}},
		{"a name tells in functionCall", `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"n","args":{"client_secret":"` + generic + `"}}}]}]}`,
			[]place{{"contents[0].parts[0].functionCall.args.client_secret", generic}}},
		{"data at the top", `{"method":"tools/call","arguments":{"id":"` + github + `"}}`, []place{{"arguments.id", github}}},
		{"a name of the protocol tells nothing", message(`[{"type":"text","client_secret":"` + generic + `"}]`), nil},
		{"after data", `{"messages":[{"content":[{"input":{"a":"b"},"id":"` + github + `","text":"` + github + `"}]}]}`, []place{{"messages[0].content[0].text", github}}},
		{"Ollama's arguments", `{"messages":[{"tool_calls":[{"function":{"name":"f","arguments":{"name":"` + github + `"}}}]}]}`,
			[]place{{"messages[0].tool_calls[0].function.arguments.name", github}}},
		{"system", `{"system":` + quote(github) + `,"instructions":` + quote("a\n"+github) + `}`, []place{{"system", github}, {"instructions", github}}},
		{"an object at the top", `{"systemInstruction":{"parts":[{"text":` + quote(github) + `}]}}`, []place{{"systemInstruction.parts[0].text", github}}},
		{"an API of tomorrow", `{"brain":{"thoughts":[[{"x":["` + github + `"]}]]}}`, []place{{"brain.thoughts[0][0].x[0]", github}}},
		{"strings in an array", `{"input":["a","` + github + `"]}`, []place{{"input[1]", github}}},
		{"a name", `{"messages":[{"` + github + `":{"` + github + `":"` + iban + `"}}]}`, []place{{"messages[0].*", github}, {"messages[0].*.*", github}, {"messages[0].*.*", iban}}},
		{"a name at the top", `{"a" : 1, "\"` + github + `" :[["` + iban + `"]]}`, []place{{"*", github}, {"*[0][0]", iban}}},
		{"two in one", message(quote(github + "\n" + iban + "\n" + pem)), []place{{content, github}, {content, iban}, {content, pem}}},
		{"kept", `{"model":"` + github + `","messages":[{"id":"` + github + `","tool_call_id":"` + github + `","signature":"` + github + `","source":{"url":"https://x/` + github + `"}}],
			"tools":[{"type":"mcp","server_url":"https://x/` + github + `","authorization":"` + github + `","headers":{"X":"` + github + `","Y":["` + github + `"]}}]}`, nil},
		{"what follows something kept", `{"a":[{"headers":{"X":"x"},"id":["` + github + `"],"model":1,"x":"` + github + `"}]}`, []place{{"a[0].id[0]", github}, {"a[0].x", github}}},
		{"an element after an object with an id", `{"a":[[{"id":1},"` + github + `"],[{"id":"x"},"` + github + `"]]}`, []place{{"a[0][1]", github}, {"a[1][1]", github}}},
		{"a name that is the value", `{"arguments":{"` + generic + `":{"client_secret":"` + generic + `"}}}`, []place{{"arguments.*", generic}}},
		{"from string to string", call(quote(`{"a":"-----BEGIN PRIVATE KEY-----` + noise(3, 80, mixed) + `","b":"` + github + `","c":"END PRIVATE KEY-----"}`)), []place{{arguments, github}}},
		{"shortened key, then another", call(quote(`{"a":"-----BEGIN PRIVATE KEY-----","b":"x\n` + github + `","c":` + quote(pem) + `}`)), []place{{arguments, github}, {arguments, pem}}},
		{"white space", " { \"messages\" : [ { \"content\" :\n\t\"" + github + "\" } , null ] } \n", []place{{content, github}}},
		{"a name tells two levels down", call(quote(`{"body":` + quote(`{"client_secret":"`+generic+`"}`) + `}`)), []place{{arguments, generic}}},
		{"a name tells nothing of an element", call(quote(`{"client_secret":["` + generic + `"]}`)), nil},
		{"not quite JSON", call(quote(`{"token": "` + github + `", "rest`)), []place{{arguments, github}}},
		{"placeholders", message(quote(`api_key = "REDACTED_SECRET_0123456789abcdef", REDACTED_IBAN_0123456789012345`)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scanner(t)
			hits := scan(t, s, c.body)
			if d := cmp.Diff(c.want, places(c.body, hits)); d != "" {
				t.Fatal(d)
			}
			for _, h := range hits {
				if !h.New || h.Finding.Start != h.Start || h.Finding.End != h.End {
					t.Errorf("%+v", h)
				}
			}
			again := scan(t, s, c.body)
			for i := range again {
				if again[i].New {
					t.Errorf("%+v is new again", again[i])
				}
				again[i].New = true
			}
			if d := cmp.Diff(hits, again, cmp.AllowUnexported(Hit{})); d != "" {
				t.Error(d)
			}
			checkRedact(t, s, c.body, hits)
		})
	}
}

// checkRedact holds what was redacted to what is promised of it.
func checkRedact(t testing.TB, s *Scanner, body string, hits []Hit) string {
	t.Helper()
	session := secret.NewSession()
	clean := string(Redact([]byte(body), hits, session))
	if was, is := jsonscan.Check([]byte(body)), jsonscan.Check([]byte(clean)); was == nil && is != nil && !strings.Contains(is.Error(), "twice") {
		t.Errorf("%s is no JSON any more: %v", clean, is)
	}
	if again := string(Redact([]byte(body), hits, session)); again != clean {
		t.Errorf("other placeholders the second time:\n%s\n%s", clean, again)
	}
	rest, from := clean, 0
	for _, h := range hits {
		p := session.Placeholder(h.Kind, value([]byte(body)[h.Start:h.End], h.depth))
		want := body[from:h.Start] + p
		if !strings.HasPrefix(rest, want) {
			t.Fatalf("%q does not begin with %q", rest, want)
		}
		rest, from = rest[len(want):], h.End
	}
	if rest != body[from:] {
		t.Errorf("%q is left, want %q", rest, body[from:])
	}
	found, err := s.Scan([]byte(clean), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range found {
		if strings.Contains(clean[h.Start:h.End], "REDACTED_") {
			t.Errorf("%q is found again at %s", clean[h.Start:h.End], h.Where)
		}
	}
	return clean
}

// One value has one placeholder, at whatever depth and in whatever spelling.
func TestRedactOneValue(t *testing.T) {
	s, session := scanner(t), secret.NewSession()
	for _, v := range []string{github, pem, odd, iban} {
		p := session.Placeholder(secret.KindSecret, v)
		if v == iban {
			p = session.Placeholder(secret.KindIBAN, v)
		}
		inner := quote(map[string]string{"value": "it is " + v})
		template := func(v string) string {
			inner := `{"value":"it is ` + v + `"}`
			twice := quote([]string{`{"value":"it is ` + v + `"}`})
			return `{"messages":[{"content":"it is ` + v + `"},{"arguments":` + quote(inner) + `},{"input":{"value":"it is ` + v + `"}},{"content":` + quote(twice) + `}]}`
		}
		body := `{"messages":[{"content":` + quote("it is "+v) + `},{"arguments":` + quote(inner) + `},{"input":` + inner + `},{"content":` + quote(quote([]string{inner})) + `}]}`
		hits := scan(t, s, body)
		got := string(Redact([]byte(body), hits, session))
		if want := template(p); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if d := cmp.Diff([]string{v}, Values([]byte(body), hits)); d != "" {
			t.Error(d)
		}
	}
}

func TestScanErrors(t *testing.T) {
	s := scanner(t)
	for _, body := range []string{"", " ", "null", `"` + github + `"`, `["` + github + `",]`, `{"a":"` + github + `"`, `{"a":"` + github + `"}}`, `{"a":["` + github + `",]}`, `{"a":{"` + github + `"}`, "{\"a\":\"\x01" + github + "\"}", `{`} {
		if hits, err := s.Scan([]byte(body), nil); err == nil || hits != nil {
			t.Errorf("%q: %v, %v", body, hits, err)
		}
	}
}

// A body that is an array is looked at like one below.
func TestScanArray(t *testing.T) {
	s := scanner(t)
	body := ` ["` + github + `", {"content":"it is ` + github + `"}]`
	for range 2 {
		hits := scan(t, s, body)
		if len(hits) != 2 || hits[0].Where != "*[0]" || hits[1].Where != "*[1].content" || len(Values([]byte(body), hits)) != 1 {
			t.Errorf("%+v", hits)
		}
	}
}

// A history that grows is looked at where it is new, also when it forks or was
// forgotten; what is remembered is right wherever it stands.
func TestScanSeen(t *testing.T) {
	s := scanner(t)
	body := func(messages ...string) string {
		return `{"model":"m","messages":[` + strings.Join(messages, ", ") + `],"system":"sys ` + github + `"}`
	}
	m := func(i int, text string) string { return fmt.Sprintf(`{"role":"user","content":"%d %s"}`, i, text) }
	check := func(body string, wantNew ...bool) {
		t.Helper()
		var got []bool
		for _, h := range scan(t, s, body) {
			got = append(got, h.New)
			if v := body[h.Start:h.End]; v != github && v != iban {
				t.Errorf("%s is %q", h.Where, v)
			}
		}
		if d := cmp.Diff(wantNew, got); d != "" {
			t.Error(d)
		}
	}
	a, b, c, d := m(1, github), m(2, iban), m(3, "no"), m(4, github+iban+" "+iban)
	_ = d
	check(body(a), true, true)
	check(body(a, b), false, true, false)
	check(body(a, b, c), false, false, false)
	check(body(b, a, c), false, false, false)
	check(body(m(5, iban), b, a), true, false, false, false)
	check(body(a, m(2, github), c), false, true, false)
	check(`{"x":[[`+a+`]], "y":`+a+`}`, true, false)
	check(`{"x":[[`+a+`]], "arguments":`+a+`}`, false, true) // as data it was not looked at
	if hits := scan(t, s, `{"x":[`+c+`,`+a+`]}`); len(hits) != 1 || hits[0].Where != "x[1].content" {
		t.Error(hits)
	}
}

func TestCacheIsBounded(t *testing.T) {
	const most = 64 << 10
	s := New(detector(t), most)
	for i := range 2000 {
		scan(t, s, fmt.Sprintf(`{"messages":[{"content":"%d %s"}]}`, i, github))
		if size := len(s.seen.young) + len(s.seen.old); size*entrySize > most || s.seen.bytes > most/2 {
			t.Fatalf("%d entries, %d bytes", size, s.seen.bytes)
		}
	}
	none := New(detector(t), 0)
	for range 2 {
		if hits := scan(t, none, `{"a":"`+github+`","b":["`+github+`"]}`); len(hits) != 2 || !hits[0].New || !hits[1].New {
			t.Error(hits)
		}
	}
}

func TestMedia(t *testing.T) {
	s := scanner(t)
	image := noise(5, 8<<10, mixed+"+/") + "=="
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJ" + noise(12, 6<<10, mixed) + "." + noise(13, 43, mixed)
	for name, c := range map[string]struct {
		text  string
		media bool
	}{
		"base64": {image, true}, "URL": {"data:image/png;base64," + image, true}, "short": {image[:4000], false},
		"prose": {strings.Repeat("some words ", 1000), false}, "token": {jwt, false}, "key": {"-----BEGIN EC PRIVATE KEY-----" + image, false},
		"before": {github + " " + image, false}, "after": {image + "\\n" + github, false}, "no URL": {"data:" + image, false},
	} {
		if got := isMedia([]byte(c.text)); got != c.media {
			t.Errorf("%s: %v", name, got)
		}
	}
	body := `{"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,` + image + `"}},{"text":"` + jwt + `"},{"source":{"data":"` + image + `"}}]}]}`
	if got := places(body, scan(t, s, body)); len(got) != 1 || got[0].Value != jwt {
		t.Errorf("%.200v", got)
	}
}

// What is asked for stays, while much else comes and goes.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	s := New(detector(t), 8<<10)
	for i := range 500 {
		hits := scan(t, s, fmt.Sprintf(`{"system":"%s","messages":["number %d"]}`, github, i))
		if len(hits) != 1 || hits[0].New != (i == 0) {
			t.Fatalf("%d: %+v", i, hits)
		}
	}
}

// The end of a unit is known from what followed the unit before it.
func TestCacheKnowsWhatFollows(t *testing.T) {
	s := scanner(t)
	units := []string{`{"n":"the first"}`, `"the second one"`, `["the third"]`, `{"n":"and the fourth"}`}
	body := `{"messages":[` + strings.Join(units[:3], ",") + `],"x":` + units[3] + `}`
	scan(t, s, strings.Replace(body, "third", "3rd", 1))
	scan(t, s, body)
	e := &s.seen.root
	for _, u := range units {
		next := e.next.Load()
		if next == nil || next.size != len(u) {
			t.Errorf("%v is expected before %s", next, u)
		}
		if e = s.seen.find(e, keyOf([]byte(u), false)); e == nil || e != next {
			t.Fatalf("%s is unknown", u)
		}
	}
}

// Messages that somebody has read are found by their hashes: what is found in them is
// the same, whoever saw them first.
func TestScanOfKnownMessages(t *testing.T) {
	body := `{"x":"` + github + `","messages":[ {"content":"` + iban + `"} ,"none of them",{"content":["` + github + `"]}],"y":["` + iban + `"]}`
	known := messages([]byte(body))
	for name, first := range map[string][]llm.Message{"by bytes": nil, "by hashes": known} {
		s := scanner(t)
		hits, err := s.Scan([]byte(body), first)
		if err != nil || len(hits) != 4 {
			t.Fatalf("%s: %v, %v", name, hits, err)
		}
		for _, then := range [][]llm.Message{nil, known, known[1:], known[:1]} {
			again, err := s.Scan([]byte(body), then)
			for i := range again {
				if again[i].New {
					t.Errorf("%s: %s was seen before", name, again[i].Where)
				}
				again[i].New = hits[i].New
			}
			if d := cmp.Diff(hits, again, cmp.AllowUnexported(Hit{})); err != nil || d != "" {
				t.Error(name, err, d)
			}
		}
	}
}

// messages gives the elements of all arrays at the top of a body as a decoder does
// that knows their hashes: of some it knows none.
func messages(body []byte) (list []llm.Message) {
	js := jsonscan.New(body)
	for range js.Object() {
		if js.Kind() != jsonscan.Array {
			continue
		}
		for i := range js.Array() {
			m := llm.Message{Span: llm.Span{Start: js.Pos()}}
			js.Skip()
			if m.Span.End = js.Offset(); i%3 != 1 {
				m.Raw = llm.SumBytes(body[m.Span.Start:m.Span.End])
			}
			list = append(list, m)
		}
	}
	return list
}

// A character is never cut, also where a value is.
func TestWholeCharacters(t *testing.T) {
	d, err := secret.New(secret.Options{Known: []secret.Known{{Name: "CUT", Value: "\xa9tail-secret-\xc3"}}})
	if err != nil {
		t.Fatal(err)
	}
	body := `{"a":"bétail-secret-éb"}`
	if got := places(body, scan(t, New(d, 0), body)); len(got) != 1 || got[0].Value != "étail-secret-é" {
		t.Errorf("%q", got)
	}
}

// Many goroutines may share a scanner.
func TestScanConcurrently(t *testing.T) {
	s := New(detector(t), 4<<10)
	done := make(chan error)
	for g := range 4 {
		go func() {
			var err error
			for i := range 200 {
				body := []byte(fmt.Sprintf(`{"messages":[{"content":"a"},{"content":"%d %s"},{"content":"%d"}]}`, i%7, github, g))
				hits, e := s.Scan(body, nil)
				if e != nil || len(hits) != 1 || !bytes.Equal(body[hits[0].Start:hits[0].End], []byte(github)) {
					err = fmt.Errorf("%v, %v", hits, e)
				}
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
