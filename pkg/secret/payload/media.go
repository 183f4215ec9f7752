package payload

import (
	"bytes"
)

// minMedia is how long a literal must be to be taken for media unread. What is
// shorter costs little to read, and may be a secret of its own.
const minMedia = 4 << 10

// isMedia tells that a literal is base64 from end to end, or a data: URL: an
// image, a sound, a document. Looking for secrets in it would find chance, and
// nothing else. It looks at samples: prose has a space, code a sign in each of
// them. A token of several parts (a JWT) has points.
func isMedia(lit []byte) bool {
	if len(lit) < minMedia {
		return false
	}
	if bytes.HasPrefix(lit, []byte("data:")) {
		i := bytes.IndexByte(lit[:256], ',')
		if i < 0 {
			return false
		}
		lit = lit[i+1:]
	}
	const samples, size = 64, 16
	step := (len(lit) - size) / samples
	for i := range samples + 1 {
		for _, c := range lit[i*step : i*step+size] {
			if !base64[c] {
				return false
			}
		}
	}
	return bytes.IndexByte(lit, '.') < 0 && bytes.IndexByte(lit, ' ') < 0
}

// base64 holds the characters of both alphabets.
var base64 = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=") {
		t[c] = true
	}
	return t
}()
