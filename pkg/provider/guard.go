package provider

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
)

// guard decides at dial time, on the resolved address, whether an upstream may
// live there: a name that resolved well a moment ago may point inwards now.
type guard struct {
	own atomic.Pointer[[]netip.AddrPort]
}

// forbid sets archestra's own addresses. One that is unspecified stands for all
// addresses of this machine.
func (g *guard) forbid(own []netip.AddrPort) {
	var list []netip.AddrPort
	for _, ap := range own {
		ap = netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
		list = append(list, ap)
		if !ap.Addr().IsUnspecified() {
			continue
		}
		list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port()), netip.AddrPortFrom(netip.IPv6Loopback(), ap.Port()))
		local, err := net.InterfaceAddrs()
		if err != nil {
			continue
		}
		for _, a := range local {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				list = append(list, netip.AddrPortFrom(prefix.Addr().Unmap().WithZone(""), ap.Port()))
			}
		}
	}
	g.own.Store(&list)
}

// check tells whether an address may be dialled. Private addresses are allowed
// only to upstreams that the user named.
func (g *guard) check(to netip.AddrPort, private bool) *Error {
	addr := embedded(to.Addr().Unmap().WithZone(""))
	if own := g.own.Load(); own != nil {
		for _, o := range *own {
			if o == netip.AddrPortFrom(addr, to.Port()) {
				return &Error{Status: http.StatusLoopDetected, Code: "upstream_loop",
					Message: "The upstream's address is archestra itself."}
			}
		}
	}
	switch {
	case within(addr, neverDial):
		return &Error{Status: http.StatusBadGateway, Code: "upstream_forbidden",
			Message: "The upstream's name resolves to a link-local, metadata, multicast or unspecified address, which is never called.",
			err:     fmt.Errorf("dial %s", to)}
	case !private && within(addr, privateNets):
		return &Error{Status: http.StatusBadGateway, Code: "upstream_forbidden",
			Message: "The upstream's name resolves to a private address, which is called only where its base URL was set by the user.",
			err:     fmt.Errorf("dial %s", to)}
	}
	return nil
}

// Sources: the IANA registries of special-purpose addresses (RFC 6890), and the
// metadata addresses of AWS (fd00:ec2::254), Alibaba Cloud (100.100.100.200),
// Azure (168.63.129.16) and Oracle Cloud (192.0.0.192) beside 169.254.169.254.
// 198.18.0.0/15 is not among the private ones: it leads nowhere by itself, and
// VPN programs give every public name an address there.
var (
	neverDial = prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
		"::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128")
	privateNets = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24",
		"::1/128", "fc00::/7")
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	compat    = netip.MustParsePrefix("::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// embedded is the IPv4 address that an IPv6 address leads to: by NAT64 (RFC 6052),
// 6to4 (RFC 3056) or the old IPv4-compatible form (RFC 4291 §2.5.5.1).
func embedded(a netip.Addr) netip.Addr {
	if !a.Is6() || a == netip.IPv6Loopback() || a.IsUnspecified() {
		return a
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), compat.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}
