package policy

import "strings"

// cleanPath makes paths comparable: lower case, since many file systems do not
// tell case apart; "/" between parts; home folders as "~"; "." and ".." resolved.
func cleanPath(p string) string { return strings.Join(homed(resolved(p)), "/") }

// resolved returns the parts of a path. The first of one that begins at the root is
// empty; of one in the user's home folder they are "", "home" and "~", so that what
// leaves it by ".." is seen to.
func resolved(p string) []string {
	p = strings.ToLower(strings.Trim(strings.TrimSpace(p), `"'`))
	p = strings.ReplaceAll(p, `\`, "/")
	for _, h := range []string{"$home", "${home}", "%userprofile%", "$env:userprofile"} {
		if rest, ok := strings.CutPrefix(p, h); ok {
			p = "~" + rest
		}
	}
	p = strings.TrimPrefix(p, "file://")
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = "/home/~" + p[1:]
	}
	var parts []string
	rooted := strings.HasPrefix(p, "/")
	least := 0
	if rooted {
		parts, least = append(parts, ""), 1
	}
	for s := range strings.SplitSeq(p, "/") {
		switch s {
		case "", ".":
		case "..":
			if n := len(parts); n > least && parts[n-1] != ".." {
				parts = parts[:n-1]
			} else if !rooted {
				parts = append(parts, s)
			}
		default:
			parts = append(parts, s)
		}
	}
	switch {
	case len(parts) == 0:
		return []string{"."}
	case len(parts) == least:
		return []string{"", ""} // the root
	}
	return parts
}

// homed returns the parts of a resolved path with "~" for whoever's home folder.
func homed(parts []string) []string {
	home := 0 // how many parts lead to one
	switch rooted := parts[0] == ""; {
	case rooted && parts[1] == "root":
		home = 2
	case len(parts) < 3:
	case rooted && (parts[1] == "home" || parts[1] == "users"),
		len(parts[0]) == 2 && parts[0][1] == ':' && parts[1] == "users":
		home = 3
	}
	if home == 0 {
		return parts
	}
	return append([]string{"~"}, parts[home:]...)
}

// pathPattern is a folder or file that path_under names: "~/code", "/etc/cron*",
// "**/.ssh" for a part of that name anywhere.
type pathPattern struct {
	parts    []string // resolved
	homed    []string
	anywhere bool
}

func newPathPattern(s string) pathPattern {
	rest, anywhere := strings.CutPrefix(s, "**/")
	parts := resolved(rest)
	if len(parts) == 2 && parts[0] == "" && parts[1] == "" {
		parts = parts[:1] // every path that begins at the root is in it
	}
	pp := pathPattern{parts: parts, homed: parts, anywhere: anywhere}
	if len(parts) > 1 {
		pp.homed = homed(parts)
	}
	return pp
}

// holds tells whether a path is the pattern's or lies in it: as it is written, which
// is how /home holds everybody's folders, or with home folders told as "~".
func (pp pathPattern) holds(path string) bool {
	parts := resolved(path)
	return pp.begins(pp.parts, parts) || pp.begins(pp.homed, homed(parts))
}

func (pp pathPattern) begins(pattern, parts []string) bool {
	last := 0
	if pp.anywhere {
		last = len(parts) - len(pattern)
	}
	for at := 0; at <= last; at++ {
		if at+len(pattern) > len(parts) {
			return false
		}
		ok := true
		for i, want := range pattern {
			if !glob(want, parts[at+i]) {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// glob matches a whole text with a pattern in which * stands for anything.
func glob(pattern, s string) bool {
	before, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	if !strings.HasPrefix(s, before) {
		return false
	}
	s = s[len(before):]
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}
