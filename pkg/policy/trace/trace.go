// Package trace reads logged runs of agents, as the benchmarks of prompt
// injection publish them, with a label on every tool call, and replays them
// through the rules.
package trace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Run is one logged run of an agent.
type Run struct {
	ID            string            `json:"id"`
	Source        string            `json:"source"`
	Suite         string            `json:"suite"`
	Model         string            `json:"model"`
	UserTask      string            `json:"user_task"`
	Attack        string            `json:"attack"` // "none" is a benign run
	InjectionTask string            `json:"injection_task"`
	Injections    map[string]string `json:"injections"`
	Verdict       Verdict           `json:"verdict"`
	Calls         []Call            `json:"calls"`
	Messages      []Message         `json:"messages"`
}

// Verdict is what the benchmark says of a run.
type Verdict struct {
	Utility       bool `json:"utility"`
	AttackSuccess bool `json:"attack_success"`
	ToolStoppable bool `json:"tool_stoppable"`
}

// Call labels one tool call of a run.
type Call struct {
	Msg      int    `json:"msg"` // index of the message
	Idx      int    `json:"idx"` // index among its calls
	Label    string `json:"label"`
	Critical bool   `json:"critical"` // without it the attacker's goal fails
	InjGT    int    `json:"inj_gt"`
}

// Message is a message in the form of chat completions.
type Message struct {
	Role       string     `json:"role"`
	Content    *string    `json:"content"`
	ToolCallID string     `json:"tool_call_id"`
	ToolCalls  []ToolCall `json:"tool_calls"`
}

// ToolCall is a tool call in the form of chat completions.
type ToolCall struct {
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// Benign reports whether nobody attacked the run.
func (r *Run) Benign() bool { return r.Attack == "none" }

// maxRun bounds the size of one run in a trace, in bytes.
const maxRun = 64 << 20

// Read yields the runs of a trace: JSON lines, gzipped or not.
func Read(r io.Reader) iter.Seq2[*Run, error] {
	return func(yield func(*Run, error) bool) {
		for line, err := range lines(r) {
			var run *Run
			if err == nil {
				run, err = line.run()
			}
			if !yield(run, err) || err != nil {
				return
			}
		}
	}
}

// line is one line of a trace, and which run it is, from 1.
type line struct {
	text []byte
	n    int
}

func (l line) run() (*Run, error) {
	run := new(Run)
	if err := json.Unmarshal(l.text, run); err != nil {
		return nil, fmt.Errorf("run %d of the trace: %w", l.n, err)
	}
	return run, nil
}

// lines yields the lines of a trace. A text is whoever takes it's to keep.
func lines(r io.Reader) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		br := bufio.NewReaderSize(r, 1<<20)
		if magic, err := br.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
			zr, err := gzip.NewReader(br)
			if err != nil {
				yield(line{}, fmt.Errorf("a gzipped trace: %w", err))
				return
			}
			defer zr.Close()
			br = bufio.NewReaderSize(zr, 1<<20)
		}
		sc := bufio.NewScanner(br)
		sc.Buffer(nil, maxRun)
		n := 0
		for sc.Scan() {
			if len(bytes.TrimSpace(sc.Bytes())) == 0 {
				continue
			}
			n++
			if !yield(line{bytes.Clone(sc.Bytes()), n}, nil) {
				return
			}
		}
		if err := sc.Err(); err != nil {
			yield(line{}, fmt.Errorf("run %d of the trace: %w", n+1, err))
		}
	}
}

// call turns a logged call into the neutral form.
func (c ToolCall) call() llm.ToolCall {
	out := llm.ToolCall{ID: c.ID, Name: c.Function.Name}
	if json.Valid([]byte(c.Function.Arguments)) {
		out.Arguments = json.RawMessage(c.Function.Arguments)
	} else {
		out.ArgumentsText = c.Function.Arguments
	}
	return out
}

// message turns a logged message into the neutral form.
func (m Message) message() llm.Message {
	out := llm.Message{Role: llm.Role(m.Role)}
	text := ""
	if m.Content != nil {
		text = *m.Content
	}
	if m.Role == "tool" {
		out.Parts = append(out.Parts, llm.Part{Kind: llm.PartToolResult, CallID: m.ToolCallID, Text: text})
		return out
	}
	if text != "" {
		out.Parts = append(out.Parts, llm.Part{Kind: llm.PartText, Text: text})
	}
	for _, c := range m.ToolCalls {
		call := c.call()
		p := llm.Part{Kind: llm.PartToolCall, Name: call.Name, CallID: call.ID, Arguments: call.Arguments}
		if p.Arguments == nil {
			p.Text = call.ArgumentsText
		}
		out.Parts = append(out.Parts, p)
	}
	return out
}

// Tools reads a list of tools in the form of chat completions.
func Tools(r io.Reader) ([]llm.Tool, error) {
	var list []struct {
		Function *llm.Tool `json:"function"`
		llm.Tool
	}
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return nil, fmt.Errorf("a list of tools: %w", err)
	}
	out := make([]llm.Tool, 0, len(list))
	for _, t := range list {
		if t.Function != nil {
			out = append(out, *t.Function)
		} else {
			out = append(out, t.Tool)
		}
	}
	return out, nil
}
