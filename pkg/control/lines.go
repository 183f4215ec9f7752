package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const linesType = "application/x-ndjson"

// lines writes one JSON object a line. The header goes out with the first line,
// so that an error before it still has a status of its own.
type lines struct {
	w   http.ResponseWriter
	buf bytes.Buffer
	enc *json.Encoder
	n   int // lines since the start
}

// flushAt is how many bytes are collected before they are written.
const flushAt = 32 << 10

func newLines(w http.ResponseWriter) *lines {
	l := &lines{w: w}
	l.enc = json.NewEncoder(&l.buf)
	l.enc.SetEscapeHTML(false)
	return l
}

// appender is what writes itself: interactions and events, which are many.
type appender interface {
	AppendJSON(dst []byte) ([]byte, error)
}

func (l *lines) write(v any) error {
	if a, ok := v.(appender); ok {
		b, err := a.AppendJSON(l.buf.AvailableBuffer())
		if err != nil {
			return err
		}
		_, _ = l.buf.Write(append(b, '\n')) // a buffer takes everything
	} else if err := l.enc.Encode(v); err != nil {
		return err
	}
	l.n++
	if l.buf.Len() >= flushAt {
		return l.flush()
	}
	return nil
}

// flush sends what has been written.
func (l *lines) flush() error {
	l.w.Header().Set("Content-Type", linesType)
	deadline(l.w)
	if _, err := l.w.Write(l.buf.Bytes()); err != nil {
		return err
	}
	l.buf.Reset()
	return http.NewResponseController(l.w).Flush()
}

// end closes the list, with err as its last line where there is one.
func (l *lines) end(err error) {
	if err != nil {
		if l.n == 0 {
			fail(l.w, err)
			return
		}
		_, w := toWire(err)
		if l.enc.Encode(errorBody{w}) != nil {
			return
		}
	}
	// A client that has gone does not hear of it.
	_ = l.flush()
}

// readLines calls yield with each line of r, which is only valid until yield
// returns, until it returns false. A line that states an error ends it.
func readLines(r io.Reader, yield func(line []byte) bool) error {
	b := bufio.NewReaderSize(r, 64<<10)
	var long []byte
	for {
		line, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, line...)
			continue
		case errors.Is(err, io.EOF) && len(line)+len(long) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the server's answer broke off: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return fmt.Errorf("the server's answer broke off: %w", err)
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if bytes.HasPrefix(line, []byte(`{"error":{"code":`)) {
			var e errorBody
			if json.Unmarshal(line, &e) == nil && e.Error.Code != "" {
				return fromWire(e.Error)
			}
		}
		if !yield(line) {
			return nil
		}
		long = long[:0]
	}
}
