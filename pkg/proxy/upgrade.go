package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
)

// errSwitched ends an upgrade to what was not asked for.
var errSwitched = errors.New("the provider switched to a protocol that was not asked for")

// switched relays a connection that the provider has made one of another protocol
// (RFC 9110 section 7.8). It returns when the connection has ended.
func (p *Proxy) switched(w http.ResponseWriter, x *exchange, res *http.Response) {
	asked, to := res.Request.Header.Get("Upgrade"), res.Header.Get("Upgrade")
	strip(res.Header)
	if asked == "" || !strings.EqualFold(asked, to) {
		_ = res.Body.Close()
		p.failed(w, x, errSwitched)
		return
	}
	res.Header.Set("Connection", "Upgrade")
	res.Header.Set("Upgrade", to)
	x.record.Response(res.StatusCode, res.Header, -1)
	provider, err := p.upgrade(x, res.Body)
	if err != nil {
		_ = res.Body.Close()
		p.failed(w, x, err)
		return
	}
	leave := sync.OnceFunc(func() { _ = provider.Close() }) // it records itself
	defer leave()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.failed(w, x, fmt.Errorf("take over the client's connection: %w", err))
		return
	}
	defer conn.Close()
	res.Body = nil // the header alone is written
	if err := res.Write(buffered); err != nil {
		return // the client is gone
	}
	if err := buffered.Flush(); err != nil {
		return
	}
	stop := context.AfterFunc(x.ctx, leave)
	defer stop()
	ended := make(chan error, 2)
	go p.pump(x, ended, provider, &hijacked{conn, buffered.Reader})
	go p.pump(x, ended, conn, provider)
	if err := <-ended; err == nil { // one side has ended in good order: the other may go on
		<-ended
	}
}

// hijacked is a client's connection, and what was read of it before it was taken over.
type hijacked struct {
	net.Conn
	early *bufio.Reader
}

// Read reads what came early first.
func (h *hijacked) Read(b []byte) (int, error) {
	if n := h.early.Buffered(); n > 0 {
		return h.early.Read(b[:min(n, len(b))])
	}
	return h.Conn.Read(b)
}

// errOneWay ends a connection of which one side cannot be closed alone.
var errOneWay = errors.New("the other side has ended")

// pump passes what comes from one side to the other, and tells how it ended: nil
// leaves the other direction open.
func (p *Proxy) pump(x *exchange, ended chan<- error, to io.Writer, from io.Reader) {
	err := errPanicked
	defer func() {
		if v := recover(); v != nil { // in a goroutine of its own it would end the process
			p.log.Error("an upgraded connection panicked", "interaction", x.record.ID(), "provider", x.target.Provider.Name,
				"panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
		ended <- err
	}()
	if err = copyBytes(to, from); err != nil {
		return
	}
	err = errOneWay
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		err = half.CloseWrite()
	}
}
