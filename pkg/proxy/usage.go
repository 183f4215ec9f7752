package proxy

import (
	"bytes"
	"io"
	"net/http"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// OpenAI's chat completions streams carry usage only where the request has
// stream_options.include_usage: then the chunks have a member "usage" that is
// null, and one more chunk, with no choices, has the figures. Where the client
// did not ask, the proxy may, and takes both out again.

// usageEdit is a request to which the member was added.
type usageEdit struct{ original []byte }

const usageMember = `"stream_options":{"include_usage":true},`

// askUsage adds the member to a request that has no stream_options of its own.
func (p *Proxy) askUsage(x *exchange, r *http.Request, s wire.Request) {
	plain := x.body.data
	if !p.opts.IncludeUsage || x.target.API != llm.APIChatCompletions || !s.Stream || s.HasStreamOptions ||
		s.Err != nil || x.body.file != nil || !record.Identity(r.Header.Get("Content-Encoding")) {
		return
	}
	if _, no := p.refused.Load(x.upstream.Base()); no {
		return
	}
	at := bytes.IndexByte(plain, '{') + 1
	if at == 0 || len(bytes.TrimLeft(plain[at:], " \t\r\n")) < 2 {
		return
	}
	edited := make([]byte, 0, len(plain)+len(usageMember))
	edited = append(append(append(edited, plain[:at]...), usageMember...), plain[at:]...)
	x.usage = &usageEdit{original: plain}
	x.body.data, x.body.size = edited, int64(len(edited))
	// What comes back must be read frame by frame.
	r.Header.Set("Accept-Encoding", "identity")
}

// rejected tells that the server refused the request for the member's sake. The
// body stays readable.
func (u *usageEdit) rejected(res *http.Response) bool {
	if res.StatusCode != http.StatusBadRequest && res.StatusCode != http.StatusUnprocessableEntity {
		return false
	}
	head, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), res.Body), res.Body}
	return err == nil && (bytes.Contains(head, []byte("stream_options")) || bytes.Contains(head, []byte("include_usage")))
}

// frameEdit takes the usage out of a stream.
type frameEdit struct {
	framer sse.Framer
	stream wire.Stream
	out    []byte // edited bytes that the client has not read yet
	buf    [16 << 10]byte
	end    error
}

// readEdited passes frames that are whole, without what was asked for on the
// client's behalf.
func (r *relay) readEdited(p []byte) (int, error) {
	e := r.edit
	for len(e.out) == 0 {
		if e.end != nil {
			return 0, r.stop(e.end)
		}
		n, err := r.next(e.buf[:])
		e.framer.Write(e.buf[:n])
		if err != nil {
			e.end = err
			e.framer.Close()
		}
		e.out = e.out[:0]
		for f, ok := e.framer.Next(); ok; f, ok = e.framer.Next() {
			if f.Err == nil && e.stream.Frame(f).UsageOnly {
				r.record.Note("archestra asked for the stream's usage and took it out of the client's answer")
				continue
			}
			e.out = append(e.out, withoutUsage(f)...)
		}
		switch {
		case len(r.tail) > 0: // cut by ourselves: our last words follow
			e.out, r.tail, e.end = append(e.out, r.tail...), nil, io.EOF
		case err != nil:
			r.over = nil // until what is edited has been read
		}
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

// withoutUsage returns a frame's bytes without the member "usage" if it is null.
func withoutUsage(f sse.Frame) []byte {
	at := bytes.Index(f.Raw, f.Data)
	if len(f.Data) == 0 || at < 0 || !bytes.Contains(f.Data, []byte(`"usage"`)) {
		return f.Raw
	}
	start, end := 0, 0
	s := jsonscan.New(f.Data)
	before := 0 // where the previous member ended
	for key := range s.Object() {
		name := string(key)
		value := s.Raw()
		if name == "usage" && string(value) == "null" && before > 0 {
			start, end = before, s.Offset()
		}
		before = s.Offset()
	}
	if s.End() != nil || end == 0 {
		return f.Raw
	}
	out := append([]byte(nil), f.Raw[:at+start]...)
	return append(out, f.Raw[at+end:]...)
}
