package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// newTransport makes the one transport of an upstream. It bounds what the
// settings bound, and never a whole exchange.
func newTransport(cfg *config.Config, u *Upstream) *http.Transport {
	d := &dialer{upstream: u, private: u.given, timeout: cfg.Timeouts.Connect}
	t := &http.Transport{
		DialContext:            d.dial,
		DisableCompression:     true, // the client's Accept-Encoding is the client's
		ForceAttemptHTTP2:      true, // a DialContext of one's own switches it off otherwise
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    128, // 2 by default: concurrent agents would connect anew each turn
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    cfg.Timeouts.Connect,
		ResponseHeaderTimeout:  cfg.Timeouts.ResponseHeader,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		// A connection on which a model thinks for half an hour carries nothing
		// else; pings tell whether it still lives.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
	if !u.Provider.Local {
		proxy := proxyFunc(cfg)
		t.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
		// The proxy is the user's own and commonly at a private address.
		if via, err := proxy(u.base); err == nil && via != nil {
			d.proxy = hostPort(via)
		}
	}
	return t
}

// proxyFunc reads the usual variables from the real environment alone: .env is
// the working directory's, and must not send keys another way.
func proxyFunc(cfg *config.Config) func(*url.URL) (*url.URL, error) {
	env := func(names ...string) string {
		for _, name := range names {
			if v, origin, ok := cfg.Lookup(name); ok && origin == name {
				return v
			}
		}
		return ""
	}
	return (&httpproxy.Config{
		HTTPProxy:  env("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: env("HTTPS_PROXY", "https_proxy"),
		NoProxy:    env("NO_PROXY", "no_proxy"),
	}).ProxyFunc()
}

// hostPort is the address that a transport dials for a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// dialer connects to addresses that the guard allows.
type dialer struct {
	upstream *Upstream
	private  bool
	proxy    string // host and port of the user's own proxy, or ""
	timeout  time.Duration
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	private := d.private || address == d.proxy
	nd := &net.Dialer{Timeout: d.timeout, Control: func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return err
		}
		if e := d.upstream.guard.check(to, private); e != nil {
			e.Format = d.upstream.Provider.Default
			return e
		}
		return nil
	}}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if name := strings.ToLower(host); name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return nd.DialContext(ctx, network, address)
	}
	// Where a server listens on one of the two loopback addresses only, and the
	// system's resolver knows only the other, both are tried (RFC 6761 §6.3).
	conn, err4 := nd.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err4 == nil {
		return conn, nil
	}
	conn, err6 := nd.DialContext(ctx, "tcp6", net.JoinHostPort("::1", port))
	if err6 == nil {
		return conn, nil
	}
	return nil, errors.Join(err4, err6)
}
