package store

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// codec says how bytes are kept.
type codec byte

const (
	plain codec = iota
	zstandard
	swift // S2: for what is written under load
)

const (
	tiny       = 200 // shorter bytes are not compressed
	sampleFrom = 32 << 10
	sampleLen  = 4 << 10
	// maxExpand bounds what a broken or forged file can make us allocate.
	maxExpand = 1 << 30
)

// squeezer compresses and expands. It is safe for concurrent use.
type squeezer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newSqueezer() (*squeezer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxExpand))
	if err != nil {
		return nil, errors.Join(err, enc.Close())
	}
	return &squeezer{enc, dec}, nil
}

func (q *squeezer) close() error {
	q.dec.Close()
	return q.enc.Close()
}

// squeeze returns data as it is best kept. It may use buf's memory.
func (q *squeezer) squeeze(buf, data []byte) (codec, []byte) {
	if len(data) < tiny {
		return plain, data
	}
	if len(data) >= sampleFrom {
		// Media do not get smaller; a look at the middle tells.
		at := len(data) / 2
		if out := q.enc.EncodeAll(data[at:at+sampleLen], buf[:0]); len(out) > sampleLen*9/10 {
			return plain, data
		}
	}
	out := q.enc.EncodeAll(data, buf[:0])
	if len(out) > len(data)*15/16 {
		return plain, data
	}
	return zstandard, out
}

// press is squeeze for when time is short.
func (q *squeezer) press(buf, data []byte) (codec, []byte) {
	if len(data) < tiny {
		return plain, data
	}
	out := s2.Encode(buf[:cap(buf)], data)
	if len(out) > len(data)*15/16 {
		return plain, data
	}
	return swift, out
}

// expand gives back what squeeze was given.
func (q *squeezer) expand(c codec, data []byte) ([]byte, error) {
	switch c {
	case plain:
		return data, nil
	case zstandard:
		out, err := q.dec.DecodeAll(data, nil)
		if err != nil {
			return nil, fmt.Errorf("expand: %w", err)
		}
		return out, nil
	case swift:
		n, err := s2.DecodedLen(data)
		if err == nil && n > maxExpand {
			err = s2.ErrTooLarge
		}
		if err != nil {
			return nil, fmt.Errorf("expand: %w", err)
		}
		out, err := s2.Decode(nil, data)
		if err != nil {
			return nil, fmt.Errorf("expand: %w", err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("codec %d is not known", c)
}
