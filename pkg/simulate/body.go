package simulate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var errTooLarge = errors.New("simulate: the body is too large")

// decompress reads a request's body in any encoding that clients send, up to
// limit bytes.
func decompress(r io.Reader, encoding string, limit int64) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = z
	case "deflate":
		return inflate(r, limit)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return nil, fmt.Errorf("the content encoding %q is not supported", encoding)
	}
	return readLimited(r, limit)
}

// inflate reads deflate, which is the zlib format, though some send it bare.
func inflate(r io.Reader, limit int64) ([]byte, error) {
	raw, err := readLimited(r, limit)
	if err != nil {
		return nil, err
	}
	if z, err := zlib.NewReader(bytes.NewReader(raw)); err == nil {
		return readLimited(z, limit)
	}
	return readLimited(flate.NewReader(bytes.NewReader(raw)), limit)
}

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, errTooLarge
	}
	return b, nil
}
