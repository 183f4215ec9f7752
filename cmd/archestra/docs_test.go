package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// TestDocs types what the documents say can be typed. In a block of console,
// every line that begins with "$ " is a command for a shell, and the lines below
// it come in what it prints, in that order; "..." stands for anything. A command
// fails where "archestra: " begins what it prints, and nowhere else. Blocks of
// text are not run: they need a real provider or a terminal. A block of yaml
// that begins with the name of a file of ~/.config/archestra is put there. A
// command that ends with "&" goes on behind those that follow; what these show of
// it is waited for.
//
// Each document has a home of its own and providers that are simulated.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("no shell here, or no interrupts")
	}
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(documents) < 5 {
		t.Fatalf("documents: %q, %v", documents, err)
	}
	dir := t.TempDir()
	for _, path := range append(documents, "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.NewReplacer("../", "", "/", "-", ".md", "").Replace(filepath.ToSlash(path))
		// The document is a file of the script's archive.
		script := "simulate\ndocument document.md\n-- document.md --\n" + string(text)
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("ARCHESTRA_DATA_DIR", e.WorkDir+"/data")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/.config")
			e.Setenv("XDG_RUNTIME_DIR", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"simulate": simulateProviders, "document": document},
	})
}

// block is a fenced block of a document.
type block struct {
	line  int // of its first line
	kind  string
	lines []string
}

func blocks(text string) []block {
	var out []block
	inside := false
	for i, line := range strings.Split(text, "\n") {
		kind, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && inside:
			inside = false
		case fence:
			inside = true
			out = append(out, block{line: i + 2, kind: kind})
		case inside:
			b := &out[len(out)-1]
			b.lines = append(b.lines, line)
		}
	}
	return out
}

// typed is a command, and what it has to print.
type typed struct {
	where, command string
	want           []string
}

// document is the script command "document FILE": it types the file's commands.
func document(ts *testscript.TestScript, _ bool, args []string) {
	r := &reader{ts: ts}
	for _, b := range blocks(ts.ReadFile(args[0])) {
		switch {
		case b.kind == "yaml" && len(b.lines) > 0 && strings.HasPrefix(b.lines[0], "# ~/.config/archestra/"):
			path := filepath.Join(ts.Getenv("XDG_CONFIG_HOME"), "archestra", filepath.Base(b.lines[0]))
			ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
			ts.Check(os.WriteFile(path, []byte(strings.Join(b.lines, "\n")+"\n"), 0o600))
		case b.kind == "console":
			var c *typed
			for i, line := range b.lines {
				if command, ok := strings.CutPrefix(line, "$ "); ok {
					r.run(c)
					c = &typed{where: fmt.Sprintf("line %d", b.line+i), command: command}
				} else if c != nil {
					c.want = append(c.want, line)
				}
			}
			r.run(c)
		}
	}
	r.end()
}

// reader is somebody who types what a document says.
type reader struct {
	ts      *testscript.TestScript
	serving bool
	behind  bool // a command goes on behind the others
	tails   []*typed
}

// looks are commands that only look at what others do.
var looks = regexp.MustCompile(`^(cat|archestra (ask list|logs|show|policy explain)) `)

func (r *reader) run(c *typed) {
	if c == nil {
		return
	}
	command := r.here(c.command)
	failure := len(c.want) > 0 && strings.HasPrefix(c.want[0], "archestra: ")
	switch _, called, _ := strings.Cut(" "+command, " archestra "); {
	case strings.HasPrefix(called, "serve") && !failure && !strings.Contains(called, "--help"):
		r.serve(c, command)
	case strings.HasPrefix(called, "tail") && !strings.Contains(called, "--help"):
		r.tails = append(r.tails, c)
		attached(r.ts, launch(r.ts, tailName(len(r.tails)), exec.Command("sh", "-c", "exec env "+command)), int64(len(r.tails)))
	case strings.HasSuffix(command, " &"):
		r.behind = true
		// What goes on must not hold the shell's own output open.
		r.ts.Check(r.ts.Exec("sh", "-c", "{ "+strings.TrimSuffix(command, "&")+"; } >/dev/null 2>&1 &"))
	default:
		for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
			err := r.ts.Exec("sh", "-c", command)
			out := r.ts.ReadFile("stdout") + r.ts.ReadFile("stderr")
			good := (err != nil) == failure
			if r.behind && looks.MatchString(command+" ") && !(good && r.differs(c, out) == "") && time.Now().Before(deadline) {
				continue
			}
			if !good {
				r.ts.Fatalf("%s: %s: %v\n%s", c.where, c.command, err, out)
			}
			r.compare(c, out)
			return
		}
	}
}

// serve starts the server, in place of the one that may run.
func (r *reader) serve(c *typed, command string) {
	r.end()
	p := launch(r.ts, "serve", exec.Command("sh", "-c", "exec env "+command+" --port 0"))
	r.serving = true
	says := regexp.MustCompile(`serves (http://localhost:[0-9]+)\n`)
	p.await(r.ts, "the server", func() bool { return strings.Contains(p.stdout.String(), "PROVIDER") })
	r.ts.Setenv("BASE", says.FindStringSubmatch(p.stdout.String())[1])
	p.await(r.ts, "what it prints", func() bool { return r.differs(c, p.stdout.String()) == "" })
}

// end ends what runs, and compares what was printed until then.
func (r *reader) end() {
	if r.serving {
		r.ts.Check(end(r.ts, "serve", os.Interrupt))
		r.serving = false
	}
	for i, c := range r.tails {
		name := tailName(i + 1)
		if v, ok := processes.Load(processKey{r.ts, name}); ok { // what it shows may come later than what it tells of
			p := v.(*process)
			p.await(r.ts, "what "+name+" prints", func() bool { return r.differs(c, p.stdout.String()+p.stderr.String()) == "" })
		}
		r.ts.Check(end(r.ts, name, os.Interrupt))
		r.compare(c, r.ts.ReadFile(name+".out")+r.ts.ReadFile(name+".err"))
	}
	r.tails = nil
}

func tailName(n int) string { return fmt.Sprintf("tail%d", n) }

// here writes the addresses of a document as they are in this test; there does
// the reverse for what was printed.
func (r *reader) here(s string) string { return strings.NewReplacer(r.places()...).Replace(s) }

func (r *reader) there(s string) string {
	places := r.places()
	for i := 0; i < len(places); i += 2 {
		places[i], places[i+1] = places[i+1], places[i]
	}
	return strings.NewReplacer(places...).Replace(s)
}

// places are pairs: what the document says, and where it is.
func (r *reader) places() []string {
	simulated := r.ts.Getenv("SIMULATED")
	out := []string{
		"http://localhost:11434", simulated + "/ollama",
		"http://localhost:8000/v1", simulated + "/vllm/v1",
		"~/.local/state/archestra", r.ts.Getenv("ARCHESTRA_DATA_DIR"),
	}
	if base := r.ts.Getenv("BASE"); base != "" {
		out = append(out, "http://localhost:9000", base)
	}
	for _, p := range provider.All() {
		if p.BaseURL != "" {
			out = append(out, p.BaseURL, simulated+"/"+p.Name)
		}
	}
	return out
}

func (r *reader) compare(c *typed, out string) {
	if line := r.differs(c, out); line != "" {
		r.ts.Fatalf("%s: %s does not print\n%s\nbut\n%s", c.where, c.command, line, r.there(out))
	}
}

// differs returns the first line that the output lacks.
func (r *reader) differs(c *typed, out string) string {
	rest := strings.Split(r.there(out), "\n")
	for _, line := range c.want {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.Join(strings.Fields(line), " ")), `\.\.\.`, `.*`)
		want := regexp.MustCompile(`^\s*` + strings.ReplaceAll(pattern, " ", `\s+`) + `\s*$`)
		i := 0
		for i < len(rest) && !want.MatchString(rest[i]) {
			i++
		}
		if i == len(rest) {
			if strings.TrimSpace(line) == "..." || strings.TrimSpace(line) == "" {
				continue
			}
			return line
		}
		if strings.TrimSpace(line) != "..." {
			rest = rest[i+1:]
		}
	}
	return ""
}

// curl is as much of the program curl as the documents use: a request of one
// URL, with -H and -d (its text, or @ and a file), whose answer is printed. -s and -N change nothing.
func curl(args []string) int {
	var url, body string
	header := http.Header{}
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-s" || a == "-N" || a == "-sN":
		case (a == "-H" || a == "-d") && i+1 < len(args):
			i++
			if file, is := strings.CutPrefix(args[i], "@"); is && a == "-d" {
				text, err := os.ReadFile(file)
				if err != nil {
					fmt.Fprintln(os.Stderr, "curl:", err)
					return 26
				}
				args[i] = string(text)
			}
			if a == "-d" {
				body = args[i]
				continue
			}
			name, value, _ := strings.Cut(args[i], ":")
			header.Add(name, strings.TrimSpace(value))
		case strings.HasPrefix(a, "http://") && url == "":
			url = a
		default:
			fmt.Fprintf(os.Stderr, "curl: the test's curl does not know %q\n", a)
			return 2
		}
	}
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
		if header.Get("Content-Type") == "" { // as curl does
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		return 2
	}
	req.Header = header
	req.Host = header.Get("Host")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		return 7
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		return 18
	}
	fmt.Println()
	return 0
}

// TestBlocksSayWhatTheyAre: a document cannot show a command that nobody tries
// by leaving the block's kind away.
func TestBlocksSayWhatTheyAre(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks(string(text)) {
			for i, line := range b.lines {
				if strings.HasPrefix(line, "$ ") && b.kind != "console" && b.kind != "text" {
					t.Errorf("%s:%d: a command in a block of %q; say console, or text where it cannot be run", path, b.line+i, b.kind)
				}
			}
		}
	}
}

// TestLinks: what a document links to is there.
func TestLinks(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	for _, path := range append(documents, "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			target := path
			if to != "" {
				target = filepath.Join(filepath.Dir(path), to)
			}
			there, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
				continue
			}
			if heading := strings.ReplaceAll(anchor, "-", " "); anchor != "" && !strings.Contains(strings.ToLower(string(there)), "# "+heading) {
				t.Errorf("%s links to %s, which has no such heading", path, m[1])
			}
		}
	}
}
