package proxy

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// look shows the request to what must see it before it leaves: the record, and the
// guard, which may change what leaves and what is kept.
func (p *Proxy) look(x *exchange, r *http.Request) error {
	body := record.Body{Data: x.body.data, File: x.body.file, Size: x.body.size, Encoding: r.Header.Get("Content-Encoding")}
	var looked guard.Looked
	var refusal error
	if x.target.Format == nil || !x.target.Observed() {
		if plain := p.jsonOf(x, r, body); plain != nil {
			looked = x.judge.Request(plain, nil, x.record.Client().Session, "")
			if len(looked.Keep) != len(plain) || &looked.Keep[0] != &plain[0] {
				body.Data, body.Encoding = looked.Keep, ""
			}
			refusal = p.settle(x, r, &looked, plain)
		}
		x.record.Request(body, nil)
		x.tell()
		return refusal
	}
	surface := x.record.Request(body, func(plain []byte, read *wire.Reading, err error) []byte {
		if x.judge == nil {
			return plain
		}
		if len(plain) == 0 && x.target.Kept != "" {
			read.Strict = nil // what is kept is asked for without a word
		}
		if refusal = p.readable(x, err, read.Strict); refusal != nil || err != nil {
			return plain
		}
		talk := &read.Conversation
		if x.record.Broken() {
			talk = nil // who judges reads it anew, and refuses what cannot be read
		}
		looked = x.judge.Request(plain, talk, x.record.Client().Session, strconv.FormatUint(x.record.Conversation(), 36))
		refusal = p.settle(x, r, &looked, plain)
		return looked.Keep
	})
	x.tell()
	if refusal != nil {
		return refusal
	}
	p.askUsage(x, r, surface)
	return nil
}

// jsonOf returns the body of a request of an API that is not observed, without its
// content encoding, if it is JSON by its header or by its looks, and somebody judges.
func (p *Proxy) jsonOf(x *exchange, r *http.Request, b record.Body) []byte {
	if x.judge == nil || len(b.Data) == 0 {
		return nil
	}
	plain, err := record.Decode(b.Data, b.Encoding, p.maxJudged())
	if err != nil || len(plain) == 0 {
		return nil
	}
	first := bytes.TrimLeft(plain, " \t\r\n")
	if strings.Contains(r.Header.Get("Content-Type"), "json") || len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return plain
	}
	return nil
}

// readable refuses, where rules are acted upon, a body of which parsers disagree
// what it says.
func (p *Proxy) readable(x *exchange, undecoded, loose error) error {
	code, message, err := "undecodable_body", "The request body could not be decompressed and cannot be judged by the rules: ", undecoded
	if err == nil {
		code, message, err = "invalid_json", "The request body is not strict JSON and cannot be judged by the rules: ", loose
	}
	if err == nil {
		return nil
	}
	finding := llm.Finding{Kind: "unreadable_body", Detector: "json", Where: "request", Action: "report"}
	if x.judge.Acts() {
		finding.Action = string(llm.ActionBlock)
	}
	x.record.Finding(finding)
	if !x.judge.Acts() {
		return nil
	}
	return &provider.Error{Status: http.StatusBadRequest, Code: code, Format: x.target.Format, Message: message + err.Error() + "."}
}

// settle takes what the guard made of a body.
func (p *Proxy) settle(x *exchange, r *http.Request, l *guard.Looked, plain []byte) error {
	x.record.Conceal(l.Values...)
	if l.Refusal != nil {
		return &provider.Error{Status: l.Status, Code: l.Refusal.Code, Format: x.target.Format, Message: l.Refusal.Message}
	}
	if len(l.Send) != len(plain) || len(plain) > 0 && &l.Send[0] != &plain[0] {
		x.body.replace(l.Send)
		r.Header.Del("Content-Encoding")
		undigest(r.Header)
		undigest(r.Trailer)
	}
	return nil
}

// undigest takes away what vouches for the bytes of a body that was changed (RFC
// 9530, RFC 3230, RFC 1864): whoever checks it would refuse the message.
func undigest(h http.Header) {
	for _, name := range [...]string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"} {
		h.Del(name)
	}
}

// tell brings what the guard found into the record.
func (x *exchange) tell() {
	if x.judge == nil {
		return
	}
	for _, f := range x.judge.Findings() {
		x.record.Finding(f)
	}
	for _, n := range x.judge.Notes() {
		x.record.Note(n)
	}
}
