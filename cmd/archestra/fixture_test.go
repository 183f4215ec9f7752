package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// TestMakeFixture makes data directories of any version of the program, for
// pkg/store/testdata/versions, of which its README tells. It runs on request:
//
//	FIXTURE_PROGRAM=/tmp/archestra FIXTURE_OUT=pkg/store/testdata/versions/0001-abcdef0 go test ./cmd/archestra -run TestMakeFixture
//
// It has the program record a few exchanges and stops it in order, for one
// directory, and kills it with the journal full, for another. What the program
// says of them itself is kept beside them.
func TestMakeFixture(t *testing.T) {
	program, out := os.Getenv("FIXTURE_PROGRAM"), os.Getenv("FIXTURE_OUT")
	if program == "" || out == "" {
		t.Skip("only on request")
	}
	for _, end := range []string{"stopped", "killed"} {
		dir := t.TempDir()
		data := filepath.Join(dir, "data")
		env := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "ARCHESTRA_DATA_DIR=" + data}
		sim := simulate.New(simulate.Options{})
		upstream, err := sim.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		for _, p := range provider.All() {
			env = append(env, p.BaseURLVar+"="+upstream+"/"+p.Name)
		}
		record(t, program, env, end == "killed")
		for _, name := range []string{"lock", "spool", "control.sock", "archestra.db-shm"} { // of the process alone
			if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
				t.Fatal(err)
			}
		}
		told := filepath.Join(dir, "told")
		if err := os.CopyFS(told, os.DirFS(data)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, "kept"), os.DirFS(data)); err != nil {
			t.Fatal(err)
		}
		// Reading settles the directory, so that is done with a copy.
		for _, f := range []string{told, filepath.Join(told, "journal"), filepath.Join(told, "blobs")} {
			if err := os.Chmod(f, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		want := tell(t, program, append(env, "ARCHESTRA_DATA_DIR="+told))
		pack(t, out+"-"+end+".tar.gz", filepath.Join(dir, "kept"), want)
	}
}

// record has the program record.
func record(t *testing.T, program string, env []string, kill bool) {
	cmd := exec.Command(program, "serve", "--port", "0", "--json")
	cmd.Env, cmd.Stderr = env, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	var ready struct {
		BaseURL string `json:"base_url"`
	}
	if line, err := bufio.NewReader(stdout).ReadBytes('\n'); err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("the ready line is %s: %v", line, err)
	}
	history := `{"role":"system","content":"` + strings.Repeat("You are careful. ", 600) + `"},{"role":"user","content":"What is the Zeppelin? [[sim: text \"Let me look.\" | call look {\"q\":\"zeppelin\"} | usage 1000 20 cached 900]]"}`
	turn := `,{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"an airship"}`
	image := `{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("QUJDREVGRw", 120<<10) + `"}}`
	for _, x := range [][2]string{
		{"/v1/openai/dev/v1/chat/completions", `{"model":"gpt-5.5","stream":true,"stream_options":{"include_usage":true},"messages":[` + history + `]}`},
		{"/v1/openai/dev/v1/chat/completions", `{"model":"gpt-5.5","stream":false,"messages":[` + history + turn + `]}`},
		{"/v1/openai/dev/v1/chat/completions", `{"model":"gpt-5.5","messages":[{"role":"user","content":[{"type":"text","text":"a picture"},` + image + `]}]}`},
		{"/v1/openai/ci/v1/chat/completions", `{"model":"gpt-5.5","messages":[{"role":"user","content":"[[sim: error 429 \"slow down\"]]"}]}`},
		{"/v1/anthropic/dev/v1/messages", `{"model":"claude-opus-4-6","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"[[sim: text \"naïve café\" | gzip]]"}]}`},
		{"/v1/gemini/dev/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse&key=AIzaSyA0123456789abcdefghijklmnopqrstu", `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`},
		{"/v1/openai/dev/v1/embeddings", `{"model":"e","input":"x"}`},
	} {
		res, err := http.Post(ready.BaseURL+x[0], "application/json", strings.NewReader(x[1]))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if !kill {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return
	}
	// One that has not ended, and one that the journal alone has.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ready.BaseURL+"/v1/openai/dev/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-5.5","stream":true,"messages":[{"role":"user","content":"[[sim: tokens 20 | delay 10s]]"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	last, err := http.Post(ready.BaseURL+"/v1/openai/dev/v1/chat/completions", "application/json", strings.NewReader(`{"model":"gpt-5.5","messages":[{"role":"user","content":"the last one"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, last.Body)
	_ = last.Body.Close()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// told is what a program says of an exchange.
type told struct {
	Interaction json.RawMessage `json:"interaction"`
	Request     string          `json:"request,omitempty"` // SHA-256 of the body; absent where none was kept
	Response    string          `json:"response,omitempty"`
}

func tell(t *testing.T, program string, env []string) []byte {
	run := func(args ...string) ([]byte, error) {
		cmd := exec.Command(program, args...)
		cmd.Env = env
		return cmd.Output()
	}
	logs, err := run("logs", "--json", "--limit", "0")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for line := range bytes.Lines(logs) {
		var i struct{ ID string }
		if err := json.Unmarshal(line, &i); err != nil {
			t.Fatal(err)
		}
		x := told{Interaction: bytes.TrimSpace(line)}
		for side, to := range map[string]*string{"request": &x.Request, "response": &x.Response} {
			if body, err := run("show", i.ID, "--raw", side); err == nil {
				sum := sha256.Sum256(body)
				*to = hex.EncodeToString(sum[:])
			}
		}
		if err := json.NewEncoder(&out).Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func pack(t *testing.T, path, dir string, want []byte) {
	if err := os.WriteFile(filepath.Join(dir, "want.jsonl"), want, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	archive := tar.NewWriter(zip)
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if err := archive.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o600, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []io.Closer{archive, zip, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
