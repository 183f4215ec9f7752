package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/archestra-ai/archestra-cli/pkg/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"archestra": func() { os.Exit(cli.Main()) },
		"client":    func() { os.Exit(askModel()) },
		"curl":      func() { os.Exit(curl(os.Args[1:])) },
	})
}

// askModel is the program "client": it asks a model as an OpenAI SDK does, where
// the environment says, and prints the status.
func askModel() int {
	body := strings.NewReader(`{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}`)
	req, err := http.NewRequest(http.MethodPost, os.Getenv("OPENAI_BASE_URL")+"/chat/completions", body)
	if err != nil {
		return 3
	}
	req.Header.Set("Authorization", "Bearer sk-canary-0123456789abcdef")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 4
	}
	defer resp.Body.Close()
	fmt.Println("status", resp.StatusCode)
	return 0
}

// TestScripts runs the program as a person would, in a home of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("ARCHESTRA_DATA_DIR", e.WorkDir+"/data")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			e.Setenv("XDG_RUNTIME_DIR", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"usage":     usage,
			"simulate":  simulateProviders,
			"start":     start,
			"interrupt": interrupt,
			"serve":     serve,
			"stop":      stop,
			"kill":      kill,
			"post":      post,
			"answered":  answered,
			"tail":      tail,
			"seen":      seen,
		},
	})
}

// usage is the script command "usage PATTERN ARG...": it runs archestra with
// the arguments and demands what wrong usage has to look like.
func usage(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("archestra", args[1:]...)
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit) || exit.ExitCode() != 2:
		ts.Fatalf("archestra %q: %v, want exit code 2", args[1:], err)
	case stdout != "":
		ts.Fatalf("archestra %q: prints %q", args[1:], stdout)
	case !strings.Contains(stderr, args[0]) || !strings.HasPrefix(stderr, "archestra: ") || !strings.HasSuffix(stderr, "--help tells how it is used.\n"):
		ts.Fatalf("archestra %q: tells %q, want %q", args[1:], stderr, args[0])
	}
}
