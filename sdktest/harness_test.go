package sdktest

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// Credentials that the simulated providers take, each its own.
const (
	openaiKey    = "sk-simulated-openai-key"
	anthropicKey = "sk-ant-simulated-anthropic-key"
	geminiKey    = "AIza-simulated-gemini-key"
)

// maxBody is the limit of bodies that archestra is given, in bytes.
const maxBody = 4 << 20

// profile is the profile that the SDKs use.
const profile = "sdk"

var directOnly = flag.Bool("direct", false, "test the simulated provider alone, without archestra")

// target is a server that an SDK may be pointed at.
type target struct {
	name      string
	openai    string // base URLs
	anthropic string
	gemini    string
	vertex    string // of an archestra in Vertex mode; empty where there is none
	archestra bool
	root      string // without any path
	process   *process
}

// Set by TestMain.
var (
	sim     *simulate.Server
	simURL  string
	targets []target
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts what the tests need, runs them, and stops it all.
func run(m *testing.M) (code int, err error) {
	sim = simulate.New(simulate.Options{
		Strict: true,
		Keys:   map[string]string{simulate.OpenAI: openaiKey, simulate.Anthropic: anthropicKey, simulate.Gemini: geminiKey},
	})
	defer func() { err = errors.Join(err, sim.Close()) }()
	if simURL, err = sim.Listen("127.0.0.1:0"); err != nil {
		return 1, err
	}
	targets = []target{{
		name: "direct", root: simURL,
		openai: simURL + "/openai/v1", anthropic: simURL + "/anthropic", gemini: simURL + "/gemini",
	}}
	if *directOnly {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "archestra-sdk-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	studio, vertex, err := startBoth(dir)
	for _, p := range []*process{studio, vertex} {
		if p != nil {
			defer func() { err = errors.Join(err, p.stop()) }()
		}
	}
	if err != nil {
		return 1, err
	}
	base := studio.url + "/v1/"
	targets = append(targets, target{
		name: "archestra", archestra: true, root: studio.url, process: studio,
		openai: base + "openai/" + profile, anthropic: base + "anthropic/" + profile, gemini: base + "gemini/" + profile,
		vertex: vertex.url + "/v1/gemini/" + profile,
	})
	return m.Run(), nil
}

// startBoth builds archestra and starts it twice, with Gemini as AI Studio and
// as Vertex AI: one process can be but one of them.
func startBoth(dir string) (studio, vertex *process, err error) {
	bin := filepath.Join(dir, "archestra")
	build := exec.Command("go", "build", "-o", bin, "./cmd/archestra")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("building archestra: %w\n%s", err, out)
	}
	key, err := sim.ServiceAccountKey(simURL)
	if err != nil {
		return nil, nil, err
	}
	keyFile := filepath.Join(dir, "key.json")
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		return nil, nil, err
	}
	if studio, err = start(bin, filepath.Join(dir, "studio")); err != nil {
		return nil, nil, err
	}
	vertex, err = start(bin, filepath.Join(dir, "vertex"),
		"ARCHESTRA_GEMINI_VERTEX_AI_ENABLED=true",
		"ARCHESTRA_GEMINI_VERTEX_AI_PROJECT=simulated-project",
		"ARCHESTRA_GEMINI_VERTEX_AI_CREDENTIALS_FILE="+keyFile,
		"ARCHESTRA_GEMINI_VERTEX_AI_BASE_URL="+simURL+"/vertex",
	)
	return studio, vertex, err
}

// process is a running archestra.
type process struct {
	cmd  *exec.Cmd
	bin  string
	data string // its data directory
	url  string
	logs *tail
	done chan error
}

var urlPattern = regexp.MustCompile(`http://(?:localhost|127\.0\.0\.1):\d+`)

// start runs `archestra serve` in a directory of its own, with no other
// environment than is needed, and waits until it serves.
func start(bin, dir string, env ...string) (*process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &process{bin: bin, data: filepath.Join(dir, "data"), logs: &tail{}, done: make(chan error, 1)}
	p.cmd = exec.Command(bin, "serve", "--port", "0", "--data-dir", p.data)
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"ARCHESTRA_INCLUDE_USAGE=true", // TestRecorded wants the usage that the SDK does not ask for
		"ARCHESTRA_MAX_BODY=" + strconv.Itoa(maxBody),
		"ARCHESTRA_OPENAI_BASE_URL=" + simURL + "/openai/v1",
		"ARCHESTRA_ANTHROPIC_BASE_URL=" + simURL + "/anthropic",
		"ARCHESTRA_GEMINI_BASE_URL=" + simURL + "/gemini",
	}, env...)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	found := make(chan string, 1)
	go func() {
		sc := bufio.NewScanner(r)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			p.logs.add(sc.Text())
			if u := urlPattern.FindString(sc.Text()); u != "" {
				select {
				case found <- u:
				default:
				}
			}
		}
		_, _ = io.Copy(io.Discard, r) // a line too long must not stop the process
	}()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.done <- p.cmd.Wait()
		_ = w.Close()
	}()
	select {
	case p.url = <-found:
	case err := <-p.done:
		return nil, fmt.Errorf("archestra serve ended: %w\n%s", err, p.logs)
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		return nil, fmt.Errorf("archestra serve says no address\n%s", p.logs)
	}
	return p, p.healthy()
}

// healthy waits until the server answers.
func (p *process) healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/health", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(res.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("archestra is not healthy: %w\n%s", err, p.logs)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process as a user would, and tells if it did not end well.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		if err != nil {
			return fmt.Errorf("archestra serve after SIGTERM: %w\n%s", err, p.logs)
		}
		return nil
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("archestra serve does not end on SIGTERM\n%s", p.logs)
	}
}

// tail keeps the last lines that a process wrote.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if len(t.lines) > 100 {
		t.lines = t.lines[1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// each runs a test against every target.
func each(t *testing.T, f func(t *testing.T, to target)) {
	t.Helper()
	for _, to := range targets {
		t.Run(to.name, func(t *testing.T) { f(t, to) })
	}
}

// failure is an upstream's error, and how each provider words it.
type failure struct {
	status                    int
	openai, anthropic, google string // the type, or the status of Google
}

// failures are the upstream errors that an SDK must tell apart. OpenAI and
// Google do not document 529: their SDKs show it as it comes.
var failures = []failure{
	{400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
	{401, "invalid_request_error", "authentication_error", "UNAUTHENTICATED"},
	{404, "invalid_request_error", "not_found_error", "NOT_FOUND"},
	{429, "requests", "rate_limit_error", "RESOURCE_EXHAUSTED"},
	{500, "server_error", "api_error", "INTERNAL"},
	{529, "server_error", "overloaded_error", "UNKNOWN"},
}

// words is what the failing upstream says.
const words = "told to fail, word for word"

func (f failure) script() string { return fmt.Sprintf("[[sim: error %d %q]]", f.status, words) }
