package subject

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/bench/client"
	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Variant is a way to run archestra.
type Variant struct {
	Name      string
	About     string
	Flags     []string // of serve
	Env       []string
	Followers int // programs that follow it as `archestra tail --json`
}

// Variants are the ways in which archestra is measured. A new setting is a new
// row, or a word in one.
var Variants = []Variant{
	{Name: "recording", About: "archestra, everything recorded, no rules", Flags: []string{"--mode", "off"}},
	{Name: "default", About: "archestra as it comes: recorded, default policy enforced"},
	{Name: "everything", About: "archestra with secrets and personal data redacted", Env: []string{"ARCHESTRA_SECRETS=redact", "ARCHESTRA_PERSONAL=redact"}},
	{Name: "default+tail", About: "archestra as it comes, one follower", Followers: 1},
	{Name: "default+8tails", About: "archestra as it comes, eight followers", Followers: 8},
}

func (v *Variant) subject() Subject {
	return Subject{
		Name: v.Name, About: v.About, Records: true, followers: v.Followers,
		version: func(b *Bench) (string, error) {
			out, err := exec.Command(b.Archestra, "version").Output()
			line, _, _ := strings.Cut(string(out), "\n")
			return strings.TrimSpace(line), err
		},
		command: func(b *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
			return v.Command(b, dir, upstream, port), nil
		},
		target: Target,
		rows:   func(b *Bench, dir string) (int64, error) { return CountRows(b, dir, "") },
	}
}

// Target is how archestra is called.
func Target(addr, _ string) client.Target {
	return client.Target{Addr: addr, Paths: map[payload.Format]string{
		payload.Chat: "/v1/openai/bench/chat/completions", payload.Messages: "/v1/anthropic/bench/v1/messages"}}
}

// Command is the server that keeps its records in the folder data of dir.
func (v *Variant) Command(b *Bench, dir, upstream string, port int, more ...string) *exec.Cmd {
	args := append([]string{"serve", "--json", "--port", strconv.Itoa(port), "--log-level", "warn"}, v.Flags...)
	cmd := exec.Command(b.Archestra, append(args, more...)...)
	cmd.Dir = dir
	cmd.Env = append(environment(dir), "ARCHESTRA_OPENAI_BASE_URL=http://"+upstream+"/v1", "ARCHESTRA_ANTHROPIC_BASE_URL=http://"+upstream)
	cmd.Env = append(cmd.Env, v.Env...)
	return cmd
}

// environment keeps a user's own settings out.
func environment(dir string) []string {
	return []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + os.Getenv("PATH"), "ARCHESTRA_DATA_DIR=" + filepath.Join(dir, "data")}
}

// Ask runs a command of archestra that prints JSON, beside or without a server
// of dir, and calls each for every line.
func Ask(b *Bench, dir string, each func(line []byte) error, args ...string) error {
	cmd := exec.Command(b.Archestra, args...)
	cmd.Env, cmd.Dir = environment(dir), dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	var failed error
	for lines.Scan() {
		if failed == nil {
			failed = each(lines.Bytes())
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("archestra %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return failed
}

// CountRows counts the recorded interactions that a filter picks; "" picks all.
func CountRows(b *Bench, dir, filter string) (n int64, err error) {
	args := []string{"stats", "--json"}
	if filter != "" {
		args = append(args, "--filter", filter)
	}
	err = Ask(b, dir, func(line []byte) error {
		var row struct{ Requests int64 }
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		n += row.Requests
		return nil
	}, args...)
	return n, err
}
