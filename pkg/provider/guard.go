package provider

import "net/netip"

type guard struct{}

func (g *guard) forbid(own []netip.AddrPort) {}
