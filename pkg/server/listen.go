package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// Listeners are the sockets that one server listens on, all on one port.
type Listeners struct {
	Port int
	list []net.Listener
}

// Listen opens the sockets: both loopback addresses, or the host of the settings.
// Port 0 picks a port that is free on all of them. It refuses an address beyond
// loopback unless the settings allow it and hold a token, also where a name
// leads there.
func Listen(ctx context.Context, cfg *config.Config) (*Listeners, error) {
	if cfg.Host != "" && !strings.EqualFold(cfg.Host, "localhost") {
		ln, err := listen(ctx, cfg.Host, cfg.Port)
		if err != nil {
			return nil, err
		}
		l := &Listeners{Port: portOf(ln), list: []net.Listener{ln}}
		if !l.loopback() && (!cfg.Access.AllowRemote || cfg.Access.Token.IsZero()) {
			l.Close()
			return nil, fmt.Errorf("host %q is not a loopback address; listening there needs --allow-remote and a token in ARCHESTRA_TOKEN", cfg.Host)
		}
		return l, nil
	}
	// A port that the first address gives may be taken on the second.
	const tries = 20
	for i := 0; ; i++ {
		l, err := listenBoth(ctx, cfg.Port)
		if err == nil || cfg.Port != 0 || i == tries || !errors.Is(err, syscall.EADDRINUSE) {
			return l, err
		}
	}
}

// listenBoth listens on both loopback addresses. A machine may lack one of them;
// but where another program has the port on one, clients that call localhost
// could reach that program, with their keys: this is an error.
func listenBoth(ctx context.Context, port int) (*Listeners, error) {
	v4, err4 := listen(ctx, "127.0.0.1", port)
	if err4 == nil {
		port = portOf(v4)
	} else if !absent(err4) {
		return nil, err4
	}
	v6, err6 := listen(ctx, "::1", port)
	if err6 != nil && !absent(err6) {
		if v4 != nil {
			v4.Close()
		}
		return nil, err6
	}
	l := &Listeners{}
	for _, ln := range []net.Listener{v4, v6} {
		if ln != nil {
			l.list, l.Port = append(l.list, ln), portOf(ln)
		}
	}
	if len(l.list) == 0 {
		return nil, errors.Join(err4, err6)
	}
	return l, nil
}

func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	network := "tcp"
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		network = "tcp4"
	} else if err == nil && !ip.IsUnspecified() {
		network = "tcp6"
	}
	ln, err := new(net.ListenConfig).Listen(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d of %s is taken; if archestra runs already, use it, or choose another with --port: %w", port, host, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d of %s needs more rights; choose one above 1023 with --port: %w", port, host, err)
	}
	return nil, fmt.Errorf("listen on %s: %w", host, err)
}

// absent tells that this machine has no such address.
func absent(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

func portOf(ln net.Listener) int {
	addr, _ := ln.Addr().(*net.TCPAddr)
	return addr.Port
}

// Addrs are the addresses, for the guard that keeps upstreams away from them.
func (l *Listeners) Addrs() []netip.AddrPort {
	var out []netip.AddrPort
	for _, ln := range l.list {
		if addr, ok := ln.Addr().(*net.TCPAddr); ok {
			out = append(out, addr.AddrPort())
		}
	}
	return out
}

// loopback tells that no address is beyond this machine.
func (l *Listeners) loopback() bool {
	for _, a := range l.Addrs() {
		if !a.Addr().Unmap().IsLoopback() {
			return false
		}
	}
	return true
}

// Close closes the sockets.
func (l *Listeners) Close() error {
	var errs []error
	for _, ln := range l.list {
		errs = append(errs, ln.Close())
	}
	return errors.Join(errs...)
}
