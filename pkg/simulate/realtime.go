package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// websocket serves OpenAI's two WebSocket modes. On /responses a message of
// type response.create is answered with the events of a stream, one a message
// (developers.openai.com/api/docs/guides/websocket-mode). On /realtime the
// session begins with session.created, conversation.item.create adds to the
// conversation, and response.create is answered. A message of type
// simulate.close is answered by closing with its code and reason. Any other
// message comes back as it is.
func (x *exchange) websocket() {
	x.headers()
	sock, err := upgrade(x.w, x.r)
	if err != nil {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: err.Error()}})
		return
	}
	defer sock.c.Close()
	defer context.AfterFunc(x.ctx, func() { _ = sock.c.Close() })()
	m := &modelSocket{x: x, sock: sock}
	if err := m.run(); !errors.Is(err, errClosed) && x.s.ctx.Err() == nil {
		x.lost = true
		x.e.disconnected()
	}
}

// modelSocket is one connection's conversation.
type modelSocket struct {
	x     *exchange
	sock  *socket
	talk  Request // of a realtime session
	turns int
}

// run converses until the connection ends; the error is never nil, and
// errClosed after an orderly end.
func (m *modelSocket) run() error {
	realtime := m.x.t.endpoint == endpointRealtime
	if realtime {
		m.talk = Request{Provider: m.x.t.provider, Format: Responses, Header: m.x.r.Header, Choices: 1, Model: m.x.r.URL.Query().Get("model")}
		if err := m.send(object{"type", "session.created", "event_id", "event_1", "session", object{
			"type", "realtime", "object", "realtime.session", "id", "sess_1", "model", m.talk.Model, "output_modalities", array{"text"},
		}}); err != nil {
			return err
		}
	}
	for {
		op, message, err := m.sock.read()
		if err != nil {
			return err
		}
		var q struct {
			Type   string `json:"type"`
			Code   int    `json:"code"`
			Reason string `json:"reason"`
			Item   item   `json:"item"`
		}
		if op == opText {
			_ = json.Unmarshal(message, &q) // what is not JSON is echoed
		}
		switch {
		case q.Type == "simulate.close":
			err = errors.Join(m.sock.close(q.Code, q.Reason), errClosed)
		case q.Type == "response.create" && realtime:
			err = m.speak()
		case q.Type == "response.create":
			err = m.create(message)
		case q.Type == "conversation.item.create" && realtime:
			m.talk.addItem(q.Item)
			err = m.send(object{"type", "conversation.item.done", "event_id", "event_2", "item", object{
				"id", "item_1", "object", "realtime.item", "type", q.Item.Type, "role", orNull(q.Item.Role), "status", "completed",
			}})
		default:
			err = m.sock.write(op, message)
		}
		if err != nil {
			return err
		}
	}
}

func (m *modelSocket) send(o object) error { return m.sock.write(opText, encode(o)) }

func (m *modelSocket) fail(code, message string) error {
	return m.send(object{"type", "error", "status", 400, "error", object{
		"type", "invalid_request_error", "code", code, "message", message, "param", nil,
	}})
}

// create answers one turn of the Responses mode.
func (m *modelSocket) create(message []byte) error {
	x := m.x
	x.seed = digest(x.r.Method, x.r.URL.Path, message)
	req, err := x.decode(message)
	if err != nil {
		return m.fail("invalid_value", err.Error())
	}
	if !x.s.history.load(&req) {
		return m.fail("previous_response_not_found", "Previous response with id '"+req.str("previous_response_id")+"' not found.")
	}
	script, err := x.script(req)
	if err != nil {
		return m.fail("invalid_value", err.Error())
	}
	if script.Error != nil {
		return m.fail(script.Error.Code, script.Error.Message)
	}
	a := settle(req, script, x.s.now(), x.seed)
	x.s.history.keep(a)
	fault := func(sent int) []frame {
		return responsesCodec.fault(a, problem{Failure: *script.Delivery.MidError, model: req.Model}, sent)
	}
	return m.play(bend(responsesStream(a), script.Delivery, fault), script.Delivery)
}

// play sends frames, one a message.
func (m *modelSocket) play(frames []frame, d Delivery) error {
	for i, f := range frames {
		if i > 0 && !wait(m.x.ctx, d.Delay) {
			return m.x.ctx.Err()
		}
		if err := m.sock.write(opText, f.data); err != nil {
			return err
		}
		if d.Cut > 0 && i+1 == d.Cut {
			_ = m.sock.c.Close() // cut off, as the script asks
			return errClosed
		}
	}
	return nil
}

// speak answers one turn of the realtime session, developers.openai.com/api/
// reference/resources/realtime.
func (m *modelSocket) speak() error {
	x := m.x
	m.turns++
	script, err := x.script(m.talk)
	if err != nil {
		return m.fail("invalid_value", err.Error())
	}
	if script.Error != nil {
		return m.fail(script.Error.Code, script.Error.Message)
	}
	a := settle(m.talk, script, x.s.now(), digest(x.r.Method, x.r.URL.Path, []byte{byte(m.turns)}))
	frames := realtimeEvents(a)
	m.talk.add(a.said())
	return m.play(bend(frames, script.Delivery, func(int) []frame { return nil }), script.Delivery)
}

func realtimeEvents(a *answer) []frame {
	id := a.id("resp_", 21, "id")
	state := func(status string, output array, usage any) object {
		return object{"id", id, "object", "realtime.response", "status", status, "output", output, "usage", usage}
	}
	var frames []frame
	add := func(kind frameKind, name string, members ...any) {
		o := object{"type", name, "event_id", a.id("event_", 21, name) + string(rune('a'+len(frames)%26))}
		frames = append(frames, frame{kind: kind, data: encode(o.with(members...))})
	}
	add(frameOpening, "response.created", "response", state("in_progress", array{}, nil))
	for i, p := range a.script.Parts {
		at := []any{"response_id", id, "item_id", itemID(a, i, p), "output_index", i}
		with := func(members ...any) []any { return append(append([]any(nil), at...), members...) }
		add(frameContent, "response.output_item.added", "response_id", id, "output_index", i, "item", outputItem(a, i, p, false))
		switch p.Kind {
		case PartCall:
			for _, s := range pieces(p.Call.Arguments) {
				add(frameContent, "response.function_call_arguments.delta", with("call_id", p.Call.ID, "delta", s)...)
			}
			add(frameContent, "response.function_call_arguments.done", with("call_id", p.Call.ID, "name", p.Call.Name, "arguments", p.Call.Arguments)...)
		case PartText, PartRefusal:
			for _, s := range a.deltas(p.Text) {
				add(frameContent, "response.output_text.delta", with("content_index", 0, "delta", s)...)
			}
			add(frameContent, "response.output_text.done", with("content_index", 0, "text", p.Text)...)
		}
		add(frameContent, "response.output_item.done", "response_id", id, "output_index", i, "item", outputItem(a, i, p, true))
	}
	add(frameTerminal, "response.done", "response", state("completed", items(a, true), object{
		"total_tokens", a.usage.Input + a.usage.Output, "input_tokens", a.usage.Input, "output_tokens", a.usage.Output,
	}))
	return frames
}
