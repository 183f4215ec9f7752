package simulate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// exchange is one request with its answer.
type exchange struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	ctx  context.Context
	t    target
	e    *entry
	d    Delivery
	body []byte
	seed string // hexadecimal: what all ids of the answer follow from
	left bool   // the client went away within its body
	lost bool   // the client of a WebSocket went away without a word
}

// serve reads the request and dispatches it.
func (x *exchange) serve() {
	x.seed = digest(x.r.Method, x.r.URL.Path, nil)
	script, err := headerScript(x.r.Header)
	if err != nil {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: err.Error()}})
		return
	}
	x.d = script.Delivery
	if script.Delivery.Drop {
		x.drop()
	}
	if x.t.endpoint == endpointFiles && x.r.Method == http.MethodPost && script.Error == nil {
		x.upload()
		return
	}
	if x.d.Early {
		// Without this, net/http reads the body before the first byte goes out.
		_ = http.NewResponseController(x.w).EnableFullDuplex() // HTTP/2 is so anyway
	} else if !x.read() {
		return
	}
	if x.t.endpoint == endpointGoogle {
		x.s.google.serve(x)
		return
	}
	if p, ok := x.unauthorized(); ok {
		x.fail(p)
		return
	}
	if script.Error != nil {
		x.fail(problem{Failure: *script.Error})
		return
	}
	switch x.t.endpoint {
	case endpointAnswer:
		x.answer()
	case endpointRealtime:
		x.websocket()
	default:
		x.plain()
	}
}

// headerScript reads the header X-Simulate for what holds on any path.
func headerScript(h http.Header) (Script, error) {
	v := h.Values("X-Simulate")
	if len(v) == 0 {
		return Script{}, nil
	}
	turns, err := ParseScript(strings.Join(v, "|"))
	if err != nil {
		return Script{}, err
	}
	return turns[0], nil
}

// drop marks the connection to be closed after the answer.
func (x *exchange) drop() {
	if c, ok := x.r.Context().Value(connKey{}).(net.Conn); ok {
		x.s.drops.Store(c, struct{}{})
	}
}

// read takes in the body and decodes its compression; it reports false where
// the request has been answered with an error, or the client has gone.
func (x *exchange) read() bool {
	tap := newBodyTap(x.r.Body, x.s.o.KeepBody)
	body, err := decompress(tap, x.r.Header.Get("Content-Encoding"), x.s.o.MaxBody)
	tap.note(x.e)
	x.left = tap.err != nil
	switch {
	case errors.Is(err, errTooLarge):
		x.fail(problem{Failure: Failure{Status: http.StatusRequestEntityTooLarge}})
		return false
	case err != nil && tap.size == 0 && x.ctx.Err() != nil:
		return false
	case err != nil:
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: "The request body could not be read: " + err.Error()}})
		return false
	}
	x.body = body
	x.seed = digest(x.r.Method, x.r.URL.Path, body)
	return true
}

// answer lets the model speak.
func (x *exchange) answer() {
	if x.t.format == Responses && x.r.Header.Get("Upgrade") != "" {
		x.websocket()
		return
	}
	if x.r.Method != http.MethodPost {
		x.fail(problem{Failure: Failure{Status: http.StatusMethodNotAllowed}})
		return
	}
	req, err := x.decode(x.body)
	if err == nil && x.s.o.Strict {
		err = strict(req)
	}
	if err != nil {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: err.Error()}})
		return
	}
	if !x.s.history.load(&req) {
		x.fail(problem{Failure: Failure{
			Status: http.StatusBadRequest, Code: "previous_response_not_found",
			Message: fmt.Sprintf("Previous response with id '%s' not found.", req.str("previous_response_id")),
		}})
		return
	}
	script, err := x.script(req)
	switch {
	case err != nil:
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: err.Error()}})
	case script.Error != nil:
		x.d = script.Delivery
		x.fail(problem{Failure: *script.Error, model: req.Model})
	default:
		x.say(req, script)
	}
}

// script chooses what is answered to a request.
func (x *exchange) script(req Request) (Script, error) {
	if x.s.o.Answer != nil && x.r.Header.Get("X-Simulate") == "" {
		if script := x.s.o.Answer(req); !script.zero() {
			return script, nil
		}
	}
	return choose(req)
}

// zero reports whether s says nothing at all.
func (s Script) zero() bool { return reflect.ValueOf(s).IsZero() }

// say sends a settled answer.
func (x *exchange) say(req Request, script Script) {
	x.d = script.Delivery
	if x.d.Drop {
		x.drop()
	}
	if x.redirected() {
		return
	}
	a := settle(req, script, x.s.now(), x.seed)
	x.s.history.keep(a)
	c := codecs[req.Format]
	x.headers()
	out := &delivery{w: x.w, ctx: x.ctx, d: x.d}
	if !req.Stream {
		out.whole(http.StatusOK, "application/json", c.whole(a))
		return
	}
	frames := bend(c.stream(a), x.d, func(sent int) []frame {
		return c.fault(a, problem{Failure: *x.d.MidError, model: req.Model, requestID: x.requestID()}, sent)
	})
	out.stream(c.framing(req), frames)
}

// decode reads a request of the exchange's format.
func (x *exchange) decode(body []byte) (Request, error) {
	req := Request{Provider: x.t.provider, Format: x.t.format, Header: x.r.Header}
	if x.d.Early {
		req.Model, req.Choices, req.Stream = "simulated", 1, true
		return req, nil
	}
	if err := json.Unmarshal(body, &req.body); err != nil {
		return req, fmt.Errorf("the JSON body of the request could not be parsed: %w", err)
	}
	if err := codecs[x.t.format].decode(body, &req); err != nil {
		return req, err
	}
	req.Choices = min(max(req.Choices, 1), 128)
	if x.t.method != "" { // Google's: the path says what the body does not
		req.Model = x.t.arg
		req.Stream = strings.HasPrefix(x.t.method, "stream") || req.Stream
		query, _ := url.ParseQuery(x.r.URL.RawQuery) // what can be read of it
		req.jsonArray = query.Get("alt") != "sse"
	}
	return req, nil
}

// strict tells what a provider would refuse in a request.
func strict(r Request) error {
	if r.Provider == Anthropic {
		if r.Header.Get("Anthropic-Version") == "" {
			return errors.New("anthropic-version: header is required")
		}
		if r.num("max_tokens") <= 0 {
			return errors.New("max_tokens: Field required")
		}
	}
	if r.Model == "" {
		return errors.New("you must provide a model parameter")
	}
	return nil
}

// redirected sends a redirect where the script asks for one.
func (x *exchange) redirected() bool {
	if x.d.Redirect == "" {
		return false
	}
	x.w.Header().Set("Location", x.d.Redirect)
	(&delivery{w: x.w, ctx: x.ctx, d: x.d}).whole(http.StatusTemporaryRedirect, "text/plain; charset=utf-8", nil)
	return true
}

// json sends a whole JSON body.
func (x *exchange) json(status int, body []byte) {
	if x.redirected() {
		return
	}
	x.headers()
	(&delivery{w: x.w, ctx: x.ctx, d: x.d}).whole(status, "application/json", body)
}

// fail sends an error in the provider's shape.
func (x *exchange) fail(p problem) {
	p.requestID = x.requestID()
	if p.model == "" {
		p.model = x.t.arg
	}
	x.headers()
	body := shapeOf(x.t.provider, x.t.format)(p, x.w.Header())
	x.d.MidError, x.d.NoTerminal, x.d.Garbage = nil, false, false
	(&delivery{w: x.w, ctx: x.ctx, d: x.d}).whole(p.Status, "application/json", body)
}

func (x *exchange) requestID() string {
	a := answer{seed: x.seed}
	if x.t.provider == Anthropic {
		return a.id("req_01", 22, "request")
	}
	return "req_" + a.hex("request")[:32]
}

// headers sets what the provider sends with every answer.
func (x *exchange) headers() {
	h := x.w.Header()
	switch x.t.provider {
	case OpenAI:
		h.Set("X-Request-Id", x.requestID())
		h.Set("Openai-Version", "2020-10-01")
		h.Set("Openai-Processing-Ms", "3")
		h.Set("X-Ratelimit-Limit-Requests", "10000")
		h.Set("X-Ratelimit-Remaining-Requests", "9999")
		h.Set("X-Ratelimit-Reset-Requests", "6ms")
	case Anthropic:
		h.Set("Request-Id", x.requestID())
		h.Set("Anthropic-Ratelimit-Requests-Limit", "4000")
		h.Set("Anthropic-Ratelimit-Requests-Remaining", "3999")
		h.Set("Anthropic-Ratelimit-Requests-Reset", x.s.now().UTC().Format(time.RFC3339))
	case Gemini, Vertex:
		h.Set("Vary", "Origin, X-Origin, Referer")
		h.Set("Server", "scaffolding on HTTPServer2")
	}
}

// digest gives what the ids of an answer follow from.
func digest(method, path string, body []byte) string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, method+" "+path+"\n") // a hash takes everything
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}
