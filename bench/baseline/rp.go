// Package baseline holds the proxies that archestra is compared with and that
// are written here: rp, which only proxies, and floor, which also records.
package baseline

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Proxy is rp: httputil.ReverseProxy as one would tune it, which reads a body
// before it sends it. A body that is still being read when the answer begins is
// cut by net/http, so every proxy of model requests must read it first.
//
// record, if it is not nil, is asked for a tee of each exchange.
func Proxy(upstream *url.URL, record func(*http.Request, []byte) Tee) http.Handler {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:        0, // no limit
		MaxIdleConnsPerHost: 4096,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
		WriteBufferSize:     32 << 10,
		ReadBufferSize:      32 << 10,
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
		Transport:     transport,
		FlushInterval: -1,
		BufferPool:    new(buffers),
		ModifyResponse: func(res *http.Response) error {
			if t, ok := res.Request.Context().Value(teeKey{}).(Tee); ok {
				res.Body = &teeBody{res.Body, t, res.StatusCode}
			}
			return nil
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if n := r.ContentLength; n > 0 {
			body.Grow(int(n) + bytes.MinRead) // no copy on the way to the end
		}
		if _, err := body.ReadFrom(r.Body); err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		if record != nil {
			r = r.WithContext(withTee(r.Context(), record(r, body.Bytes())))
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body.Bytes())), int64(body.Len())
		proxy.ServeHTTP(w, r)
	})
}

// buffers lends the copies their buffers.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
