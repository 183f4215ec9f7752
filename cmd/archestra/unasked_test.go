package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestWhatAProviderSendsUnaskedIsNotLogged: net/http would write it to the standard
// logger.
func TestWhatAProviderSendsUnaskedIsNotLogged(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	left := make(chan struct{})
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}CANARY")
		_, _ = io.Copy(io.Discard, c) // until archestra has seen what is left
		close(left)
	}()
	r := startServer(t, t.TempDir(), "http://"+l.Addr().String())
	res, err := http.Get(r.base + "/v1/openai/p/models")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	<-left
	r.kill() // all that it wrote is there
	if log := r.stderr.String(); strings.Contains(log, "CANARY") {
		t.Errorf("logged: %s", log)
	}
}
