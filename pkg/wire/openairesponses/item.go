package openairesponses

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// item is one output item as it grows.
type item struct {
	index    int64 // output_index, -1 if it is not known
	id       string
	kind     string // its type
	call     int    // in stream.calls, -1 if it is none or is not kept
	done     bool   // it came whole
	repeated bool   // the response object at hand has it
	parts    []part // of which something has come
}

const (
	maxItems = 4096 // of a response; a model that calls one tool after another has some dozens
	maxID    = 256  // bytes of an item's id; a longer one is not used
	callCost = 64   // of a call to its budget, beside its texts
)

// members are those of an output item as they stand in the JSON text, as far as
// any type has them.
type members struct {
	kind, id, callID, name, namespace []byte
	arguments, input                  []byte // function_call, custom_tool_call
	action, operation                 []byte // built-in tools
	content, summary                  []byte
	execution, environment            string
}

func readMembers(item []byte) (m members) {
	s := jsonscan.New(item)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			m.kind = fold.Name(s.Raw())
		case "id":
			m.id = s.Raw()
		case "call_id":
			m.callID = s.Raw()
		case "name":
			m.name = s.Raw()
		case "namespace":
			m.namespace = s.Raw()
		case "arguments":
			m.arguments = s.Raw()
		case "input":
			m.input = s.Raw()
		case "action", "actions":
			if raw := s.Raw(); !fold.IsNull(raw) {
				m.action = raw
			}
		case "operation":
			m.operation = s.Raw()
		case "content":
			m.content = s.Raw()
		case "summary":
			m.summary = s.Raw()
		case "execution":
			m.execution = s.Text()
		case "environment":
			for key := range s.Object() {
				if string(key) == "type" {
					m.environment = s.Text()
				}
			}
		}
	}
	return m
}

// find returns the item that an event is about, or nil. Some servers give an
// item another id in each event, so the place in the output comes first.
func (st *stream) find(e *event) *item {
	for i := len(st.items) - 1; i >= 0; i-- {
		it := &st.items[i]
		if e.outputIndex >= 0 && it.index >= 0 {
			if it.index == e.outputIndex {
				return it
			}
			continue
		}
		if len(e.itemID) > 2 && it.id == fold.String(e.itemID) {
			return it
		}
	}
	return nil
}

// findOrAdd is find, and adds an item that was not announced.
func (st *stream) findOrAdd(e *event, kind string) *item {
	if it := st.find(e); it != nil {
		return it
	}
	return st.add(item{index: e.outputIndex, id: fold.String(e.itemID), kind: kind, call: -1})
}

func (st *stream) add(it item) *item {
	st.begun = true
	if len(st.items) == maxItems {
		st.lost = true
		return nil
	}
	if len(it.id) > maxID {
		it.id = ""
	}
	st.items = append(st.items, it)
	return &st.items[len(st.items)-1]
}

// output folds in an output item that begins, or that is whole.
func (st *stream) output(index int64, raw []byte, whole bool) (d wire.Delta) {
	m := readMembers(raw)
	if len(m.kind) == 0 {
		return d
	}
	id := fold.String(m.id)
	it := st.find(&event{outputIndex: index, itemID: m.id})
	if it == nil || it.done && it.id != id { // the latter where a server counts no places
		it = st.add(item{index: index, id: id, kind: string(m.kind), call: -1})
	}
	return st.fill(it, &m, whole)
}

// fill puts into an item what an object says of it. The item is nil if there are
// too many.
func (st *stream) fill(it *item, m *members, whole bool) (d wire.Delta) {
	if it == nil {
		_, _, _, d.ToolCall = m.client()
		return d
	}
	switch string(m.kind) {
	case "message":
		if whole {
			d.Token = st.content(it, m.content)
		}
	case "reasoning":
		if whole {
			d.Token = st.content(it, m.content)
			d.Token = st.content(it, m.summary) || d.Token
		}
	default:
		d = st.callItem(it, m, whole)
	}
	it.done = it.done || whole
	return d
}

// response folds in a response object: a whole body, or what the events of a
// response's life hold. The output of the last one is read for what was not
// streamed.
func (st *stream) response(raw []byte) (d wire.Delta) {
	s := &st.inner
	s.Reset(raw)
	var problem, code []byte
	for key := range s.Object() {
		switch string(key) {
		case "id":
			setText(&st.id, s.Raw())
		case "model":
			setText(&st.model, s.Raw())
		case "status":
			setText(&st.status, s.Raw())
			st.begun = st.begun || st.status != ""
		case "service_tier":
			setText(&st.tier, s.Raw())
		case "incomplete_details":
			for key := range s.Object() {
				if string(key) == "reason" {
					st.incomplete = s.Text()
				}
			}
		case "error":
			problem = s.Raw()
		case "code":
			code = s.Raw()
		case "usage":
			if u := s.Raw(); !fold.IsNull(u) {
				st.usage = append(st.usage[:0], u...)
			}
		case "output":
			for i := range st.items {
				st.items[i].repeated = false
			}
			for i := range s.Array() {
				more := st.outputAt(i, s.Raw())
				d.Token = d.Token || more.Token
				d.ToolCall = d.ToolCall || more.ToolCall
			}
		}
	}
	if e := readError(problem, code); e != nil {
		d.Error = true
		if st.err == nil {
			st.err = e
		}
	}
	return d
}

// outputAt folds in the item at a place of a response's output. Of an item that
// was streamed whole only a call is read again: a client may take it from here.
func (st *stream) outputAt(place int, raw []byte) (d wire.Delta) {
	m := readMembers(raw)
	if len(m.kind) == 0 {
		return d
	}
	it := st.streamed(&m)
	if it == nil {
		it = st.add(item{index: int64(place), id: fold.String(m.id), kind: string(m.kind), call: -1})
	}
	if it != nil {
		it.repeated = true
		if it.done && it.call < 0 {
			return d
		}
	}
	return st.fill(it, &m, true)
}

// streamed returns the item of the stream that m repeats, or nil. Not all
// servers keep an item's id or its place, so the last resort is the order of the
// items of that type; but a call with another call_id is another call.
func (st *stream) streamed(m *members) *item {
	id, callID := fold.String(m.id), fold.String(m.callID)
	var next *item
	for i := range st.items {
		it := &st.items[i]
		if it.repeated || it.kind != string(m.kind) {
			continue
		}
		known := ""
		if it.call >= 0 {
			known = st.calls[it.call].id
		}
		switch {
		case callID != "" && known != "":
			if known == callID {
				return it
			}
		case id != "" && it.id == id:
			return it
		case next == nil:
			next = it
		}
	}
	return next
}

func setText(to *string, raw []byte) {
	if len(raw) > 2 && raw[0] == '"' && !bytes.Equal(raw[1:len(raw)-1], []byte(*to)) {
		*to = fold.String(raw)
	}
}
