package endure

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// call is one request that a scripted upstream has read.
type call struct {
	conn *net.TCPConn
	req  *http.Request
	body []byte
	n    int // how many came before it
}

// gone waits until the caller has closed the connection, at most limit.
func (c *call) gone(limit time.Duration) bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(limit)) // a dead connection is gone, too
	var b [1]byte
	_, err := c.conn.Read(b[:])
	timeout, ok := err.(net.Error)
	return err != nil && (!ok || !timeout.Timeout())
}

// reset ends the connection as a crash does.
func (c *call) reset() {
	_ = c.conn.SetLinger(0) // without it the end would be an orderly one
	_ = c.conn.Close()
}

// write sends bytes as they are.
func (c *call) write(s string) bool {
	_, err := io.WriteString(c.conn, s)
	return err == nil
}

// script answers a call; it returns whether the connection takes another one.
type script func(*call) bool

// scripted is an upstream that does exactly what its script says.
type scripted struct {
	l  net.Listener
	wg sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	calls int
	do    script
}

func newScripted(do script) (*scripted, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &scripted{l: l, conns: map[net.Conn]bool{}, do: do}
	u.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			u.mu.Lock()
			u.conns[conn] = true
			u.mu.Unlock()
			u.wg.Go(func() { u.serve(conn) })
		}
	})
	return u, nil
}

func (u *scripted) addr() string { return u.l.Addr().String() }

// then lets the upstream do something else from now on.
func (u *scripted) then(do script) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.do, u.calls = do, 0
}

func (u *scripted) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close() // it may be closed
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.conns, conn)
	}()
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		u.mu.Lock()
		c := &call{conn: conn.(*net.TCPConn), req: req, body: body, n: u.calls}
		u.calls++
		do := u.do
		u.mu.Unlock()
		if !do(c) {
			return
		}
	}
}

// close ends every connection and waits for the scripts.
func (u *scripted) close() {
	_ = u.l.Close() // nothing can be done about it
	u.mu.Lock()
	for conn := range u.conns {
		_ = conn.Close()
	}
	u.mu.Unlock()
	u.wg.Wait()
}

// answer is what a client got.
type answer struct {
	status int
	body   string
	err    error // of the body, or of the whole exchange where status is 0
	took   time.Duration
}

// ask sends one request and reads the answer as far as it comes.
func ask(ctx context.Context, s *server, stream bool, limit time.Duration) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begun := time.Now()
	defer func() { a.took = time.Since(begun) }()
	return post(ctx, s, question(stream))
}
