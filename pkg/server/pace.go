package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// slowestRate is the least average pace of a request body, in bytes a second,
// after a first grace: slow lines pass, and a caller that drips bytes to hold a
// connection does not.
const slowestRate = 1 << 10

// linger is how long the rest of a body that nobody wants may still take. To
// close at once would reset the connection before the client has read the answer.
const linger = time.Second

// pacedBody is a request body that must make progress. It has no deadline as a
// whole: a large body on a slow line may take its time.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	pause   time.Duration
	start   time.Time
	read    int64
	whole   bool
}

func newPacedBody(w http.ResponseWriter, body io.ReadCloser, pause time.Duration) *pacedBody {
	return &pacedBody{ReadCloser: body, control: http.NewResponseController(w), pause: pause, start: time.Now()}
}

// Read reads under a deadline: the longest pause, and what the pace so far
// allows. The deadline ends with the read; it would else hit whatever reads the
// connection next, such as the watch for the client's disconnect. It stays after
// a read that failed, so that nobody waits on this connection again.
func (b *pacedBody) Read(p []byte) (int, error) {
	deadline := b.start.Add(b.pause + time.Duration(float64(b.read)/slowestRate*float64(time.Second)))
	if pause := time.Now().Add(b.pause); pause.Before(deadline) {
		deadline = pause
	}
	// A recorder in a test has no deadlines; a connection always has.
	_ = b.control.SetReadDeadline(deadline)
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	b.whole = errors.Is(err, io.EOF)
	if err == nil || b.whole {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// leave bounds what the server reads of a body that the handler did not: it
// looks for the end, to use the connection again. A nil body is none.
func (b *pacedBody) leave() {
	if b != nil && !b.whole {
		_ = b.control.SetReadDeadline(time.Now().Add(linger))
	}
}
