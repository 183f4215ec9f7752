package secret

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// stream writes a text to a Restorer in pieces that end at the cuts.
func stream(t testing.TB, r *Restorer, text string, cuts ...int) string {
	t.Helper()
	var out strings.Builder
	at := 0
	for _, c := range append(cuts, len(text)) {
		out.WriteString(r.Write(text[at:c]))
		if r.Held() >= MaxPlaceholder {
			t.Fatalf("%d bytes are held", r.Held())
		}
		at = c
	}
	out.WriteString(r.Flush())
	return out.String()
}

// everyCut checks that a text comes out the same wherever it is cut: whole, in
// bytes, at each place, and at many pairs of places.
func everyCut(t *testing.T, name, text, want string, r func() *Restorer) {
	t.Helper()
	check := func(cuts ...int) {
		if got := stream(t, r(), text, cuts...); got != want {
			t.Fatalf("%s, cut at %v:\n got %q\nwant %q", name, cuts, got, want)
		}
	}
	check()
	all := make([]int, len(text))
	for i := range all {
		all[i] = i
		check(i)
		check(i, min(i+1+rand.IntN(40), len(text)))
	}
	check(all...)
}

func TestRestore(t *testing.T) {
	s, other := NewSession(), NewSession()
	mail, token := "alice.brenner@example.com", "AKIAIOSFODNN7EXAMPLE"
	m, k := s.Placeholder(KindEmail, mail), s.Placeholder(KindSecret, token)
	odd := "pa\"ss\\wo\nrd"
	o := s.Placeholder(KindPhone, odd)
	foreign := other.Placeholder(KindEmail, mail)
	if foreign == m {
		t.Fatal("two sessions give one placeholder")
	}
	literal := s.Placeholder(KindPhone, m) // a value that looks like a placeholder
	hosts := &Hosts{}
	hosts.Learn("use https://api.good.example/v1 for that")

	text := Restoring{Secrets: true, Hosts: hosts}
	args := Restoring{JSON: true, Hosts: hosts}
	for _, c := range []struct {
		name string
		how  Restoring
		in   string
		want string
	}{
		{"text", text, "Send it to " + m + ", with " + k + ".", "Send it to " + mail + ", with " + token + "."},
		{"side by side", text, m + k + m, mail + token + mail},
		{"Markdown", text, "**" + m + "** `" + k + "` [x](mailto:" + m + ")", "**" + mail + "** `" + token + "` [x](mailto:" + mail + ")"},
		{"nearly", text, m[:len(m)-1] + " end, REDACTED_, REDACTED_EMAIL_xyz", m[:len(m)-1] + " end, REDACTED_, REDACTED_EMAIL_xyz"},
		{"cut off", text, "x " + m[:len(m)/2], "x " + m[:len(m)/2]},
		{"in capitals", text, strings.ToUpper(m), strings.ToUpper(m)},
		{"one begins in another", text, "REDACTED_REDACTED_EM" + m, "REDACTED_REDACTED_EM" + mail},
		{"of another session", text, foreign, foreign},
		{"not twice", text, literal, m},
		{"arguments", args, `{"to":"` + m + `"}`, `{"to":"` + mail + `"}`},
		{"no secret in arguments", args, `{"key":"` + k + `"}`, `{"key":"` + k + `"}`},
		{"escaped in arguments", args, `{"k":"` + o + `"}`, `{"k":"pa\"ss\\wo\nrd"}`},
		{"quoted in arguments", args, `{"q":"\"` + m + `\""}`, `{"q":"\"` + mail + `\""}`},
		{"a URL to nobody's host", text, "https://evil.example/?d=" + m, "https://evil.example/?d=" + m},
		{"with capitals", text, "HTTPS://evil.example/?d=" + m + " " + m, "HTTPS://evil.example/?d=" + m + " " + mail},
		{"in an image", text, "![x](//evil.example/" + m + ")", "![x](//evil.example/" + m + ")"},
		{"without a scheme", text, "(www.evil.example/" + m + ")", "(www.evil.example/" + m + ")"},
		{"in the host", text, "https://" + m + ".good.example/", "https://" + m + ".good.example/"},
		{"a URL to a host that was named", text, "https://api.good.example/?d=" + m, "https://api.good.example/?d=" + mail},
		{"a URL inside of one", text, "https://api.good.example/?to=https://evil.example/" + m, "https://api.good.example/?to=https://evil.example/" + m},
		{"a user part", text, "https://api.good.example@evil.example/" + m, "https://api.good.example@evil.example/" + m},
		{"slashes escaped", args, `{"u":"https:\/\/evil.example\/` + m + `"}`, `{"u":"https:\/\/evil.example\/` + m + `"}`},
		{"letters escaped", args, `{"u":"\u0068ttps:\u002f\u002Fevil.example/` + m + `"}`, `{"u":"\u0068ttps:\u002f\u002Fevil.example/` + m + `"}`},
		{"a URL before", args, `{"u":"https://evil.example/","to":"` + m + `"}`, `{"u":"https://evil.example/","to":"` + mail + `"}`},
		{"a URL before, in text", args, `{"u":"https://evil.example/\n` + m + `"}`, `{"u":"https://evil.example/\n` + mail + `"}`},
	} {
		everyCut(t, c.name, c.in, c.want, func() *Restorer { return s.Restorer(c.how) })
	}
}

// A URL that is longer than what is remembered is nobody's.
func TestRestoreInALongURL(t *testing.T) {
	s := NewSession()
	m := s.Placeholder(KindEmail, "alice.brenner@example.com")
	in := "https://evil.example/" + strings.Repeat("a", 3*maxRun) + m
	if got := stream(t, s.Restorer(Restoring{Secrets: true}), in); got != in {
		t.Error("restored")
	}
}

func TestRestoreGoesOnAtOnce(t *testing.T) {
	s := NewSession()
	m := s.Placeholder(KindEmail, "alice.brenner@example.com")
	r := s.Restorer(Restoring{})
	for _, c := range []struct{ in, out string }{
		{"hello world ", "hello world "},
		{m[:5], ""},
		{"x" + m[:20], m[:5] + "x"},
		{m[20:] + "!", "alice.brenner@example.com!"},
		{"RR", "R"},
	} {
		if got := r.Write(c.in); got != c.out {
			t.Errorf("%q gives %q, want %q", c.in, got, c.out)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	s := NewSession()
	a := s.Placeholder(KindEmail, "a@example.com")
	if b := s.Placeholder(KindEmail, "a@example.com"); b != a {
		t.Error("not stable")
	}
	for k := range labels {
		p := s.Placeholder(k, "value of "+string(k))
		if !isPlaceholder(p) || len(p) > MaxPlaceholder {
			t.Errorf("%q is no placeholder", p)
		}
		for _, c := range []byte(p) {
			if !isWord(c) {
				t.Errorf("%q is not one word", p)
			}
		}
		for n := range len(p) {
			if full, partial := placeholderAt(p[:n]); full != 0 || !partial {
				t.Errorf("%q is not the beginning of one", p[:n])
			}
		}
		if strings.Contains(p, "value") {
			t.Error("the value is in it")
		}
	}
}

func TestSessionIsBounded(t *testing.T) {
	s := NewSession()
	first := s.Placeholder(KindEmail, "first@example.com")
	big := strings.Repeat("x", maxBytes/4)
	for i := range 6 {
		s.Placeholder(KindSecret, big+string(rune('a'+i)))
	}
	if s.bytes > maxBytes || len(s.entries) != len(s.order) {
		t.Errorf("%d bytes in %d entries", s.bytes, len(s.entries))
	}
	if got := stream(t, s.Restorer(Restoring{}), first); got != first {
		t.Error("what was pushed out came back")
	}
	if s.Placeholder(KindEmail, "first@example.com") != first {
		t.Error("what was pushed out has another placeholder")
	}
	for i := range maxEntries + 10 {
		s.Placeholder(KindIP, strings.Repeat("1", i%50)+string(rune(0x100+i)))
	}
	if len(s.entries) > maxEntries || len(s.entries) != len(s.order) {
		t.Errorf("%d entries", len(s.entries))
	}
}

// The captured cases: placeholders in the channels of a stream, at every cut.
func TestMeasuredStreams(t *testing.T) {
	for _, c := range lines[struct {
		Name, Template, Channel string
		Values                  map[string]string
		Extra                   map[string]string `json:"extra_values"`
	}](t, "redaction-stream.jsonl.gz") {
		s, other := NewSession(), NewSession()
		kinds := map[string]Kind{"P1": KindEmail, "P2": KindCard, "P3": KindSecret, "PQ": KindPhone, "PX": KindPhone}
		p1 := s.Placeholder(KindEmail, c.Values["P1"])
		in, want := c.Template, c.Template
		all := map[string]string{}
		for k, v := range c.Values {
			all[k] = v
		}
		for k, v := range c.Extra {
			all[k] = strings.ReplaceAll(v, "{P1_LITERAL}", p1)
		}
		put := func(name, placeholder, value string) {
			in = strings.ReplaceAll(in, "{"+name+"}", placeholder)
			want = strings.ReplaceAll(want, "{"+name+"}", value)
		}
		put("P1_WITHOUT_LAST_RUNE", p1[:len(p1)-1], p1[:len(p1)-1])
		put("P1_UPPER", strings.ToUpper(p1), strings.ToUpper(p1))
		put("P1_FIRST_HALF", p1[:len(p1)/2], p1[:len(p1)/2])
		put("OTHER_SESSION_P1", other.Placeholder(KindEmail, c.Values["P1"]), other.Placeholder(KindEmail, c.Values["P1"]))
		how := Restoring{Secrets: c.Channel != "tool_args", JSON: c.Channel == "tool_args"}
		for k, v := range all {
			p := s.Placeholder(kinds[k], v)
			if how.JSON {
				v = escapeJSON(v)
			}
			put(k, p, v)
		}
		if strings.ContainsAny(strings.ReplaceAll(in, "{\"", ""), "{") {
			t.Fatalf("%s: %q is not understood", c.Name, in)
		}
		if how.JSON && !json.Valid([]byte(want)) {
			t.Fatalf("%s: %q is no JSON", c.Name, want)
		}
		everyCut(t, c.Name, in, want, func() *Restorer { return s.Restorer(how) })
	}
}

// Whatever a text holds, redacting it and restoring it gives the text back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("mail alice.brenner@example.com, card 4111 1111 1111 1111, key AKIAIOSFODNN7EXAMPLF", uint8(5))
	f.Add("-----BEGIN RSA PRIVATE KEY-----\n"+strings.Repeat("MIIEowIBAAKCAQEA0", 8)+"\n-----END RSA PRIVATE KEY-----", uint8(1))
	f.Add("REDACTED_EMAIL_0011223344556677 REDACTED_", uint8(2))
	d, err := New(Options{Secrets: true, Personal: []Kind{KindEmail, KindCard, KindIBAN, KindSSN, KindITIN, KindNINO, KindPhone, KindIP, KindMAC, KindCrypto},
		Known: []Known{{"K", "correct horse battery"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, cut uint8) {
		found := d.Scan(text)
		last := 0
		for _, x := range found {
			if x.Start < last || x.End <= x.Start || x.End > len(text) {
				t.Fatalf("%+v in %d bytes", found, len(text))
			}
			last = x.End
		}
		s := NewSession()
		sent := s.Redact(text, found)
		if strings.Contains(text, "//") || strings.Contains(text, "www.") || strings.Contains(lowered(text), "www.") {
			return
		}
		r := s.Restorer(Restoring{Secrets: true})
		var back strings.Builder
		for rest := sent; rest != ""; {
			n := min(int(cut%31)+1, len(rest))
			back.WriteString(r.Write(rest[:n]))
			rest = rest[n:]
		}
		back.WriteString(r.Flush())
		if back.String() != text && len(sent) < maxRun {
			t.Fatalf("%q came back as %q", text, back.String())
		}
	})
}
