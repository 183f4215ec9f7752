package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/baseline"
	"github.com/archestra-ai/archestra-cli/bench/subject"
	"github.com/archestra-ai/archestra-cli/bench/upstream"
)

// shutdownLimit bounds how long a proxy waits for its last answers.
const shutdownLimit = 10 * time.Second

// child is this program as another process: the upstream, or a proxy written here.
func child(ctx context.Context, name string, args []string, out io.Writer) error {
	if name == subject.CommandUpstream {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // it ends when the benchmark does
			_ = l.Close()
		}()
		if err := new(upstream.Upstream).Serve(l); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
	if len(args) < 2 {
		return errors.New("want the upstream and a port")
	}
	up := &url.URL{Scheme: "http", Host: args[0]}
	handler := baseline.Proxy(up, nil)
	if name == subject.CommandFloor {
		if len(args) < 3 {
			return errors.New("want a database")
		}
		floor, err := baseline.OpenFloor(args[2])
		if err != nil {
			return err
		}
		handler = baseline.Proxy(up, floor.Record)
		defer func() {
			if err := floor.Close(); err != nil {
				fmt.Fprintln(os.Stderr, "floor:", err)
			}
		}()
	}
	server := &http.Server{Addr: "127.0.0.1:" + args[1], Handler: handler}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		// Every client has its answer by now or has left; Shutdown waits for the
		// handlers, which have told the floor when they return.
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
		defer cancel()
		return server.Shutdown(bounded)
	}
}
