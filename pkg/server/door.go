package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// TokenHeader carries the token of a caller, where one is set. It never goes on
// to a provider or into a record.
const TokenHeader = "X-Archestra-Token"

// HealthPath answers 200 while the proxy serves, and tells nothing else.
const HealthPath = "/health"

// defaultPort is answered beside the own one: a container's or a tunnel's other
// end commonly has it.
const defaultPort = "9000"

// Door decides who may call, before anything of a request but its header is
// read. What it lets in goes to the handler behind it.
//
// A web page must not get in, whatever it can make a browser send: a name that
// was rebound to loopback fails by its Host; a page's own requests carry Origin,
// Sec-Fetch-Site or, at the least, a content type that needs no preflight; and no
// preflight is ever granted.
type Door struct {
	next    http.Handler
	log     *slog.Logger
	hosts   map[string]bool // names without a port, and names with the one they demand
	ports   map[string]bool
	origins map[string]bool
	token   [sha256.Size]byte
	locked  bool // a token is demanded
	maxBody int64
	slowest time.Duration
}

// NewDoor builds the door of a server that listens on port.
func NewDoor(cfg *config.Config, port int, next http.Handler, log *slog.Logger) *Door {
	d := &Door{
		next: next, log: log,
		hosts:   map[string]bool{"localhost": true, "127.0.0.1": true, "[::1]": true},
		ports:   map[string]bool{"": true, defaultPort: true, strconv.Itoa(port): true},
		origins: map[string]bool{},
		maxBody: cfg.Limits.Body, slowest: cfg.Timeouts.RequestBody,
	}
	if ip := net.ParseIP(cfg.Host); cfg.Host != "" && (ip == nil || !ip.IsUnspecified()) {
		own := strings.ToLower(cfg.Host)
		if ip != nil && ip.To4() == nil {
			own = "[" + own + "]"
		}
		d.hosts[own] = true
	}
	for _, h := range cfg.Access.AllowedHosts {
		d.hosts[strings.ToLower(h)] = true
	}
	for _, o := range cfg.Access.AllowedOrigins {
		d.origins[o] = true
	}
	if !cfg.Access.Token.IsZero() {
		d.token, d.locked = sha256.Sum256([]byte(cfg.Access.Token.Reveal())), true
	}
	return d
}

// refusal is why a request is not let in.
type refusal struct {
	status  int
	code    string
	message string
}

// ServeHTTP lets a request in or answers why not, in the nearest provider's
// shape, so that an SDK raises an error of its own kind.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer d.survive()
	body, ok := d.admits(w, r)
	if !ok {
		return
	}
	defer body.leave()
	d.next.ServeHTTP(w, r)
}

// admits tells that a request goes on, and what its body became, if it has one. A
// request that does not go on has been answered.
func (d *Door) admits(w http.ResponseWriter, r *http.Request) (body *pacedBody, ok bool) {
	if no := d.check(r); no != nil {
		d.log.Warn("a request was refused at the door", "reason", no.code, "status", no.status)
		refuse(w, r, *no)
		return nil, false
	}
	if r.URL.Path == HealthPath {
		health(w, r)
		return nil, false
	}
	if r.Body != nil && r.Body != http.NoBody {
		body = newPacedBody(w, r.Body, d.slowest)
		r.Body = body
	}
	r.Header.Del(TokenHeader)
	return body, true
}

// check asks the questions in the order of what a caller may learn: whom it has
// reached before whether its request is well-formed.
func (d *Door) check(r *http.Request) *refusal {
	for _, question := range []func(*http.Request) *refusal{d.form, d.host, d.origin, d.method, d.caller, d.body} {
		if no := question(r); no != nil {
			return no
		}
	}
	return nil
}

// form refuses what only a general proxy answers (RFC 9112 §3.2).
func (d *Door) form(r *http.Request) *refusal {
	switch {
	case r.Method == http.MethodConnect:
		return &refusal{http.StatusMethodNotAllowed, "connect", "archestra is no general proxy: it does not tunnel. Use it as a base URL."}
	case r.URL.Scheme != "" || r.URL.Host != "" || r.URL.User != nil:
		return &refusal{http.StatusBadRequest, "absolute_form", "archestra is no general proxy: request a path, not a URL. Use it as a base URL."}
	case !strings.HasPrefix(r.RequestURI, "/") && r.RequestURI != "":
		return &refusal{http.StatusBadRequest, "request_form", "The request names no path."}
	}
	return nil
}

// host refuses a request for another name. A page whose name was pointed at
// loopback can reach the socket, but its browser says whom it meant to reach.
func (d *Door) host(r *http.Request) *refusal {
	name, port, ok := splitHost(r.Host)
	if !ok {
		return &refusal{http.StatusBadRequest, "malformed_host", "The Host header is missing or malformed."}
	}
	if d.hosts[name] && d.ports[port] || port != "" && d.hosts[name+":"+port] {
		return nil
	}
	return &refusal{http.StatusForbidden, "host_not_allowed", "This Host is not one of archestra's names. Use localhost, or add the name to allowed-hosts (ARCHESTRA_ALLOWED_HOSTS)."}
}

// splitHost parses a Host as strictly as RFC 9110 §7.2 has it: a name or an
// address, an IPv6 address in brackets, a port of digits. The name is in lower case.
func splitHost(s string) (name, port string, ok bool) {
	name = s
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || net.ParseIP(s[1:end]) == nil {
			return "", "", false
		}
		name, port = s[:end+1], s[end+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		name, port = s[:i], s[i:]
	}
	if name == "" {
		return "", "", false
	}
	if port != "" {
		port = port[1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' || s[len(name)] != ':' {
			return "", "", false
		}
	}
	if name[0] != '[' {
		for i := range len(name) {
			switch c := name[i]; {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
			default:
				return "", "", false
			}
		}
	}
	return strings.ToLower(name), port, true
}

// origin refuses what a web page sends: every Origin but the request's own and
// the allowed ones, and what a browser says comes from another site.
func (d *Door) origin(r *http.Request) *refusal {
	no := &refusal{http.StatusForbidden, "origin_not_allowed", "Web pages may not call archestra. A desktop application's origin can be added to allowed-origins (ARCHESTRA_ALLOWED_ORIGINS)."}
	origins, sent := r.Header["Origin"]
	if sent {
		if len(origins) != 1 {
			return no
		}
		if d.origins[origins[0]] {
			return nil
		}
		if !strings.EqualFold(origins[0], "http://"+r.Host) {
			return no
		}
	}
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" {
			return no
		}
	}
	return nil
}

// method refuses preflights, and methods that no provider has.
func (d *Door) method(r *http.Request) *refusal {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return nil
	case http.MethodOptions:
		if r.Header.Get("Origin") != "" || r.Header.Get("Access-Control-Request-Method") != "" {
			return &refusal{http.StatusForbidden, "preflight", "archestra grants no cross-origin requests."}
		}
	}
	return &refusal{http.StatusMethodNotAllowed, "method", "This method is not supported. Use GET, HEAD, POST, PUT, PATCH or DELETE."}
}

// caller demands the token, where one is set. It compares hashes of the whole
// values, in constant time.
func (d *Door) caller(r *http.Request) *refusal {
	if !d.locked || r.URL.Path == HealthPath {
		return nil
	}
	given := sha256.Sum256([]byte(r.Header.Get(TokenHeader)))
	if subtle.ConstantTimeCompare(given[:], d.token[:]) == 1 {
		return nil
	}
	return &refusal{http.StatusUnauthorized, "token", "This archestra demands its token in the header " + TokenHeader + "."}
}

// body refuses bodies that are too large, and content types that a form or a
// script on any page can send without asking (the CORS-safelisted ones of the
// Fetch Standard, and none at all).
func (d *Door) body(r *http.Request) *refusal {
	types, sent := r.Header["Content-Type"]
	if r.ContentLength == 0 && (!sent || r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return nil
	}
	if d.maxBody > 0 && r.ContentLength > d.maxBody {
		return &refusal{http.StatusRequestEntityTooLarge, "request_too_large", fmt.Sprintf("The request body is larger than archestra's limit of %d bytes (setting max-body).", d.maxBody)}
	}
	switch {
	case len(types) > 1:
		return &refusal{http.StatusBadRequest, "content_type", "The request has more than one Content-Type."}
	case !sent && r.ContentLength < 0:
		return &refusal{http.StatusBadRequest, "content_type", "The request has a body of neither known length nor type. Send Content-Type: application/json."}
	case !sent || !allowedType(types[0]) && (r.ContentLength != 0 || simpleType(types[0])):
		return &refusal{http.StatusUnsupportedMediaType, "content_type", "This Content-Type is not accepted. Send application/json, or multipart/form-data for files."}
	}
	return nil
}

// allowedType takes JSON in its forms, uploads, and media. All but multipart
// force a browser to ask first; a page's multipart form fails by its Origin.
func allowedType(v string) bool {
	media, _, err := mime.ParseMediaType(v)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "multipart/form-data", "multipart/related", "application/x-ndjson", "application/jsonl",
		"application/octet-stream", "application/pdf", "application/sdp":
		return true
	}
	kind, _, _ := strings.Cut(media, "/")
	return kind == "audio" || kind == "image" || kind == "video" || kind == "application" && strings.HasSuffix(media, "+json")
}

// simpleType tells that a type is one that a form may send, or none at all.
func simpleType(v string) bool {
	media, _, err := mime.ParseMediaType(v)
	return err != nil || media == "text/plain" || media == "application/x-www-form-urlencoded"
}

// survive makes a panic cost the one request in which it happened.
func (d *Door) survive() {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		// A panic's value may quote content; its stack does not.
		d.log.Error("a request panicked", "kind", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	}
	// Part of the response may be out: the client must see that it is cut.
	panic(http.ErrAbortHandler)
}

func health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("ok\n")) // net/http drops it for HEAD
}

// refuse answers for archestra itself.
func refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	body := provider.Nearest(r.URL.EscapedPath()).Error(no.status, llm.Error{
		Source: llm.SourceArchestra, Type: provider.ErrorType(no.status), Code: no.code, Message: no.message,
	})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Should-Retry", "false") // the SDKs would try again what cannot succeed
	if no.status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE")
	}
	h.Set("Connection", "close")                                              // what is left of the request is not read
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(linger)) // a test's recorder has none
	w.WriteHeader(no.status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}
