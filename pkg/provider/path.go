package provider

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxPath bounds a request path, in bytes.
const maxPath = 8 << 10

// checkPath refuses a path that two programs could read differently: dot
// segments, plain or escaped, backslashes, control characters, bytes that are
// not UTF-8. An escaped slash passes; a model's name may hold one.
func checkPath(path string) *Error {
	if len(path) > maxPath {
		return &Error{Status: http.StatusRequestURITooLong, Code: "path_too_long", Message: "The path is too long."}
	}
	bad := func(what string) *Error {
		return &Error{Status: http.StatusBadRequest, Code: "invalid_path", Message: "The path " + what + "."}
	}
	if !strings.HasPrefix(path, "/") {
		return bad("does not begin with a slash")
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '?' || c == '#' {
			return bad("holds a character that must be escaped")
		}
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return bad("holds a wrong escape")
	}
	if !utf8.ValidString(plain) {
		return bad("is not UTF-8")
	}
	for seg := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
		// Some servers cut parameters off before they look at the dots.
		seg, _, _ = strings.Cut(seg, ";")
		if seg == "." || seg == ".." {
			return bad("holds a dot segment")
		}
		for i := range len(seg) {
			if seg[i] < ' ' || seg[i] == 0x7f {
				return bad("holds a control character")
			}
		}
	}
	return nil
}
