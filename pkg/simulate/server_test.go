package simulate

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestDisconnects(t *testing.T) {
	s, url := newTestServer(t, Options{Now: time.Now})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i, instructions := range []string{"hold 1h", "ttft 1h", "text \"a b c\" | delay 1h"} {
		for j, stream := range []bool{true, false} {
			if instructions[0] == 't' && instructions[1] == 'e' && !stream {
				continue // a whole body has no events to wait between
			}
			reqCtx, leave := context.WithCancel(ctx)
			req, err := http.NewRequestWithContext(reqCtx, http.MethodPost, url+"/v1/chat/completions",
				strings.NewReader(chatBody("m")("[[sim: "+instructions+"]]", stream)))
			if err != nil {
				t.Fatal(err)
			}
			n := len(s.Requests()) + 1
			done := make(chan error, 1)
			c := client(t)
			go func() {
				res, err := c.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
				done <- err
			}()
			if err := s.AwaitRequests(ctx, n); err != nil {
				t.Fatal(err)
			}
			left := time.Now()
			leave()
			if err := <-done; err == nil {
				t.Errorf("%s: the client got a whole answer", instructions)
			}
			if err := s.AwaitDisconnects(ctx, i*2+j+1); err != nil {
				t.Fatalf("%s: %v", instructions, err)
			}
			gone := s.Disconnects()
			if last := gone[len(gone)-1]; last.N != n || last.At.Before(left) {
				t.Errorf("%s: %+v, left at %v", instructions, last, left)
			}
		}
	}
	before := len(s.Disconnects())
	post(t, url+"/v1/chat/completions", chatBody("m")("hello", true))
	// The client may have its last byte before the handler has returned.
	if err := s.journal.await(ctx, func() bool {
		return !s.journal.requests[len(s.journal.requests)-1].Ended.IsZero()
	}); err != nil {
		t.Errorf("a whole answer does not end: %v", err)
	}
	if len(s.Disconnects()) != before {
		t.Error("an answer that was whole counts as cut off")
	}
}

func TestCloseEndsAnswers(t *testing.T) {
	s := New(Options{})
	url, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := client(t)
	done := make(chan error, 1)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(chatBody("m")("[[sim: hold 1h]]", false)))
	go func() {
		res, err := c.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		done <- err
	}()
	if err := s.AwaitRequests(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("an answer after Close")
	}
	if len(s.Disconnects()) != 0 {
		t.Error("Close counts as the client's leaving")
	}
	if _, err := s.Listen("127.0.0.1:0"); err == nil {
		t.Error("a closed server listens again")
	}
}

func TestUnencryptedHTTP2(t *testing.T) {
	s, url := newTestServer(t, Options{})
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: &p}
	defer tr.CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(chatBody("m")("hi", true)))
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.ProtoMajor != 2 || chatStreamSaid(t, string(b)).Text != "You said: hi" {
		t.Errorf("%v %s\n%s", err, res.Proto, b)
	}
	if got := s.Requests()[0].Proto; got != "HTTP/2.0" {
		t.Errorf("the journal says %s", got)
	}
}

func TestJournalIsBounded(t *testing.T) {
	s, url := newTestServer(t, Options{KeepRequests: 4})
	for range 11 {
		do(t, http.MethodGet, url+"/v1/models", "")
	}
	got := s.Requests()
	if len(got) < 2 || len(got) > 5 || got[len(got)-1].N != 11 {
		t.Errorf("%d kept of 11: %+v", len(got), got)
	}
	if err := s.AwaitRequests(t.Context(), 11); err != nil {
		t.Error(err)
	}
	if s.Reset(); len(s.Requests()) != 0 {
		t.Error("Reset forgets nothing")
	}
}
