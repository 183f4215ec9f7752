package openairesponses

import (
	"bytes"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// Continue implements wire.Continuing. The output items become input items as they
// are ("Function calling", "Reasoning models"), with their encrypted reasoning, and
// each call gets the item of its own type that holds a result. A
// previous_response_id stays: it says what was before the input. A conversation
// has the input and the output already ("Conversation state"), so that its input
// are the results alone.
func (f format) Continue(request, response []byte, contentType string, refusals []string) ([]byte, error) {
	items, stored, err := f.turn(response, contentType)
	if err != nil {
		return nil, err
	}
	asked := ask(request)
	var turn, results [][]byte
	for _, item := range items {
		m := readMembers(item)
		if string(m.kind) == "mcp_approval_request" {
			return nil, resume.Not("the client is asked for an approval")
		}
		if !(stored && asked.stored) && lost(item, &m) {
			continue
		}
		turn = append(turn, item)
		if _, _, _, ok := m.client(); !ok {
			continue
		}
		text := ""
		if len(results) < len(refusals) {
			text = refusals[len(results)]
		}
		res := result(&m, text)
		if res == nil {
			return nil, resume.Not("the result of a " + string(m.kind) + " is no text")
		}
		results = append(results, res)
	}
	if err := resume.Count(len(results), len(refusals)); err != nil {
		return nil, err
	}
	if asked.conversation && asked.input.End > 0 {
		var edits hold.Edits
		edits.Set(asked.input, resume.List(results))
		return resume.Strict(edits.Apply(request))
	}
	return resume.Append(request, "input", append(turn, results...), wrap)
}

// wrap makes a list of an input that is a text, or of none, which a request with
// a prompt or a previous_response_id may have.
func wrap(kind jsonscan.Kind) (before, after string, ok bool) {
	switch kind {
	case jsonscan.String:
		return `{"role":"user","content":`, `}`, true
	case jsonscan.Invalid:
		return "", "", true
	}
	return "", "", false
}

// asked is what matters of a request.
type asked struct {
	stored, conversation bool
	input                llm.Span
}

func ask(request []byte) asked {
	a := asked{stored: true}
	members, _, _ := resume.Object(request)
	for _, m := range members {
		switch value := hold.In(request, m.Value); m.Name {
		case "store":
			a.stored = string(value) != "false"
		case "conversation":
			a.conversation = !fold.IsNull(value)
		case "input":
			a.input = m.Value
		}
	}
	return a
}

// lost tells of reasoning that is not kept at the provider's, and says nothing by
// itself: there only its id is left, which the API does not find.
func lost(item []byte, m *members) bool {
	if string(m.kind) != "reasoning" || len(hold.Elements(m.content, 0)) > 0 {
		return false
	}
	encrypted := hold.In(item, hold.Find(hold.Members(item, 0), "encrypted_content").Value)
	return !resume.Says(encrypted)
}

// result returns the item that answers a call, nil where it would have to be
// something else than text: a screenshot, or the tools that were found.
func result(m *members, text string) []byte {
	kind := string(m.kind)
	b := append([]byte(`{"type":"`+kind+`_output","call_id":`), m.callID...)
	if len(m.callID) == 0 {
		b = append(b, `""`...)
	}
	switch quoted := hold.Quote(text); kind {
	case "function_call", "custom_tool_call", "local_shell_call":
		b = append(append(b, `,"output":`...), quoted...)
	case "shell_call":
		b = append(append(b, `,"output":[{"stdout":"","stderr":`...), quoted...)
		b = append(b, `,"outcome":{"type":"exit","exit_code":1}}]`...)
	case "apply_patch_call":
		b = append(append(b, `,"status":"failed","output":`...), quoted...)
	default:
		return nil
	}
	return append(b, '}')
}

// produced is an output item and its place.
type produced struct {
	index int64
	raw   []byte
}

// turn returns the output items of a response. stored is false if it says that it
// is not kept.
func (f format) turn(response []byte, contentType string) (items [][]byte, stored bool, err error) {
	framer := f.NewFramer(contentType, 0)
	if framer == nil {
		_, at, ok := resume.Object(response)
		if !ok {
			return nil, false, resume.Not("the response is no JSON object")
		}
		return finished(response, at)
	}
	var done []produced
	gt := newGate()
	stored = true
	for frame := range resume.Frames(framer, response) {
		if frame.Err != nil {
			return nil, false, resume.Not("a part of the response cannot be read")
		}
		if len(frame.Data) == 0 {
			continue
		}
		h := hold.Frame{Event: frame.Event, Data: frame.Data}
		p, ok := gt.read(&h)
		if !ok {
			if string(bytes.TrimSpace(frame.Data)) == "[DONE]" {
				continue
			}
			return nil, false, resume.Not("an event of the response is no JSON")
		}
		switch name := string(p.name); {
		case name == "error":
			return nil, false, resume.Not("the response states an error")
		case name == "response.output_item.done":
			done = append(done, produced{p.outputIndex, bytes.Clone(p.item)})
		case terminal(name):
			if items, stored, err = finished(frame.Data, p.responseAt.Start); err != nil {
				return nil, false, err
			}
			for i := range items {
				items[i] = bytes.Clone(items[i])
			}
		}
	}
	if len(items) == 0 { // some servers do not repeat them
		slices.SortStableFunc(done, func(a, b produced) int { return int(a.index - b.index) })
		for _, d := range done {
			items = append(items, d.raw)
		}
	}
	return items, stored, nil
}

func terminal(name string) bool {
	switch name {
	case "response.completed", "response.failed", "response.incomplete", "response.cancelled":
		return true
	}
	return false
}

// finished returns the output of the response object at an offset.
func finished(data []byte, at int) (items [][]byte, stored bool, err error) {
	stored = true
	for _, m := range hold.Members(data, at) {
		switch value := hold.In(data, m.Value); m.Name {
		case "error":
			if !fold.IsNull(value) {
				return nil, false, resume.Not("the response states an error")
			}
		case "store":
			stored = string(value) != "false"
		case "output":
			for _, el := range hold.Elements(data, m.Value.Start) {
				items = append(items, hold.In(data, el))
			}
		}
	}
	return items, stored, nil
}

// Merge implements wire.Continuing.
func (format) Merge(first, second []byte) ([]byte, error) {
	_, from, ok := resume.Object(first)
	members, _, ok2 := resume.Object(second)
	output := hold.Find(members, "output").Value
	if !ok || !ok2 || jsonscan.New(hold.In(second, output)).Kind() != jsonscan.Array {
		return nil, resume.Not("a body has no output")
	}
	items, _, err := finished(first, from)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		m := readMembers(item)
		if _, _, _, ok := m.client(); ok {
			items = items[:i]
			break
		}
	}
	var edits hold.Edits
	prepend(&edits, second, output, followed(items))
	return resume.Strict(edits.Apply(second))
}

// prepend puts items before those of the array at a place.
func prepend(edits *hold.Edits, data []byte, at llm.Span, items [][]byte) {
	if len(items) == 0 {
		return
	}
	text := bytes.Join(items, []byte{','})
	if len(hold.Elements(data, at.Start)) > 0 {
		text = append(text, ',')
	}
	edits.Insert(at.Start+1, text)
}

// followed returns the items without reasoning at their end. What it led to was
// the call that was refused, and the API takes none back without that ("was
// provided without its required following item").
func followed(items [][]byte) [][]byte {
	for len(items) > 0 && isReasoning(items[len(items)-1]) {
		items = items[:len(items)-1]
	}
	return items
}

func isReasoning(item []byte) bool {
	m := readMembers(item)
	return string(m.kind) == "reasoning"
}
