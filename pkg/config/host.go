package config

import (
	"errors"
	"net/netip"
	"strings"
)

// Loopback tells that listening on a host reaches this machine's own programs
// only. The empty host is both loopback addresses.
func Loopback(host string) bool {
	if host == "" || strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func host(p *string) parser {
	return func(s string) error {
		s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
		if s == "" {
			*p = ""
			return nil
		}
		if _, err := netip.ParseAddr(s); err != nil {
			if strings.Contains(s, ":") || checkHost(s) != nil {
				return errors.New("is no address")
			}
		}
		*p = s
		return nil
	}
}

// word takes what may stand in an upstream's path or host name as it is: letters,
// digits, dashes and the further characters.
func word(p *string, further string) parser {
	return func(s string) error {
		for _, c := range s {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || strings.ContainsRune(further, c)) {
				return errors.New("holds a character that no name has")
			}
		}
		if strings.Contains(s, "..") || strings.HasPrefix(s, ".") {
			return errors.New("is no name")
		}
		*p = s
		return nil
	}
}
