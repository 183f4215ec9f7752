package record

import (
	"bytes"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Direction says who sent a message of an upgraded connection.
type Direction int

// The directions.
const (
	FromClient Direction = iota
	FromProvider
)

// Message tells that a whole message has passed on a connection that became a
// WebSocket. It copies what it keeps: messages are kept one a line, the client's
// as the request's body and the provider's as the response's. Line feeds inside
// JSON are white space, so a message that has some is written on one line.
func (x *Exchange) Message(from Direction, m []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	line := append(bytes.ReplaceAll(bytes.ReplaceAll(m, []byte("\r\n"), []byte(" ")), []byte("\n"), []byte(" ")), '\n')
	if from == FromClient {
		x.request.Size += int64(len(m))
		x.i.RequestBytes += int64(len(m))
		if int64(len(x.request.Data)+len(line)) > x.rec.opts.MaxBody {
			x.request.Truncated = true
			return
		}
		x.request.Data = append(x.request.Data, line...)
		return
	}
	if x.i.ResponseBytes == 0 {
		x.i.Timing.FirstByteMS = llm.MillisOf(now.Sub(x.start))
	}
	x.i.ResponseBytes += int64(len(m))
	x.arrived(now)
	if int64(len(x.resp)+len(line)) > x.rec.opts.MaxBody {
		x.truncated = true
	} else {
		x.resp = append(x.resp, line...)
	}
	if x.stream == nil || x.broken {
		return
	}
	x.guard("a message", func() {
		d := x.stream.Frame(sse.Frame{Raw: line, Data: line[:len(line)-1]})
		if d.Token && x.i.FirstTokenAt == nil {
			at := now.UTC()
			x.i.FirstTokenAt, x.i.TTFTMS = &at, llm.MillisOf(now.Sub(x.start))
		}
		x.terminal = x.terminal || d.Terminal
	})
	x.progress(now)
}
