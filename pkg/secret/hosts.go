package secret

import (
	"strings"
	"sync"
)

// Named tells whether somebody who is trusted has named a host. Hosts does.
type Named interface{ Has(host string) bool }

func named(n Named, host string) bool { return n != nil && n.Has(host) }

// Hosts are the names of hosts that somebody who is trusted has written. It is
// safe for concurrent use; a nil *Hosts holds none.
type Hosts struct {
	mu    sync.RWMutex
	names map[string]bool
}

// maxHosts bounds how many names are kept.
const maxHosts = 4096

// Learn adds the hosts that a text names: those of its URLs, and names such as
// example.com that stand alone.
func (h *Hosts) Learn(text string) {
	for rest := text; ; {
		i := strings.Index(rest, "://")
		if i < 0 {
			break
		}
		rest = rest[i+3:]
		h.add(hostOf(rest))
	}
	for i := 0; i < len(text); i++ {
		if !isAlnum(text[i]) || i > 0 && isAlnum(text[i-1]) {
			continue
		}
		if start, end, ok := webAddress(text, i); ok && schemeAt(text, i) == 0 {
			h.add(hostOf(text[start:end]))
			i = end - 1
		}
	}
}

func (h *Hosts) add(host string) {
	if host = canonical(host); host == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil {
		h.names = map[string]bool{}
	}
	if len(h.names) < maxHosts {
		h.names[strings.Clone(host)] = true
	}
}

// Has tells whether a host was named. Its subdomains were not, save www: on many
// hosts they belong to anybody.
func (h *Hosts) Has(host string) bool {
	if h == nil {
		return false
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.names[canonical(host)]
}

func canonical(host string) string { return strings.TrimPrefix(host, "www.") }

// hostOf returns the host of a URL whose scheme and slashes are left out, in
// lower case, as a browser would find it: what stands before the first slash
// (either one), question mark or hash, behind the last @ there, without a port.
// It returns "" where there is no host.
func hostOf(rest string) string {
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r <= ' ' || r == '/' || r == '\\' || r == '?' || r == '#' || r == '"' || r == '<' || r == '>' || r == '`' || r == ')'
	})
	if end >= 0 {
		rest = rest[:end]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if strings.HasPrefix(rest, "[") {
		i := strings.IndexByte(rest, ']')
		if i < 0 {
			return ""
		}
		return lowered(rest[:i+1])
	}
	if i := strings.IndexByte(rest, ':'); i >= 0 {
		rest = rest[:i]
	}
	rest = strings.TrimRight(rest, ".,;!")
	return lowered(rest)
}
