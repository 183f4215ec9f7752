package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The journal is a row of segments, files named by their numbers. Each begins
// with segmentMagic and goes on with frames:
//
//	uint32  length of the payload, little endian
//	uint32  CRC-32C of kind and payload
//	uint8   kind
//	[]byte  payload
//
// A frame that is cut or does not fit its sum ends its segment. Where frames or
// what is in them become others, the digit of segmentMagic does too, so that no
// earlier version takes them for torn.
const (
	segmentMagic = "archjnl1"
	frameHead    = 9
	maxFrame     = 1 << 30
)

// The kinds of frames.
const (
	frameStart = 1 // an interaction has begun: its row
	frameEntry = 2 // an interaction has ended: see appendEntry
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// beginFrame makes room for a frame's head; endFrame fills it in.
func beginFrame(dst []byte, kind byte) []byte {
	return append(append(dst, 0, 0, 0, 0, 0, 0, 0, 0), kind)
}

func endFrame(frame []byte) ([]byte, error) {
	n := len(frame) - frameHead
	if n > maxFrame {
		return nil, fmt.Errorf("a record of %d bytes is too large", n)
	}
	binary.LittleEndian.PutUint32(frame, uint32(n))
	binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(frame[8:], castagnoli))
	return frame, nil
}

// position is a place in the journal.
type position struct {
	segment uint64
	offset  int64
}

func (p position) before(q position) bool {
	return p.segment < q.segment || p.segment == q.segment && p.offset < q.offset
}

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d.log", number))
}

// segments returns the numbers of the segments in dir, in order.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".log")
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// segmentReader reads the frames of one segment.
type segmentReader struct {
	f   *os.File
	at  int64 // of buf[0]
	buf []byte
	pos int // of the next frame in buf
}

// errTorn tells that the rest of a segment cannot be read.
var errTorn = errors.New("the journal's segment ends in a torn record")

// checkSegments refuses a journal that holds a segment of a newer version. An
// empty or a torn one is none.
func checkSegments(dir string, numbers []uint64) error {
	for _, n := range numbers {
		f, err := os.Open(segmentPath(dir, n))
		if err != nil {
			return err
		}
		magic := make([]byte, len(segmentMagic))
		_, err = io.ReadFull(f, magic)
		_ = f.Close() // it was only read
		const family = len(segmentMagic) - 1
		if err == nil && string(magic) != segmentMagic && string(magic[:family]) == segmentMagic[:family] {
			return fmt.Errorf("%w: its journal is %q, this one knows %q", ErrNewer, magic, segmentMagic)
		}
	}
	return nil
}

func openSegment(dir string, number uint64, offset int64) (*segmentReader, error) {
	f, err := os.Open(segmentPath(dir, number))
	if err != nil {
		return nil, err
	}
	r := &segmentReader{f: f, at: max(offset, int64(len(segmentMagic)))}
	magic := make([]byte, len(segmentMagic))
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(len(magic))), magic); err != nil || string(magic) != segmentMagic {
		return nil, errors.Join(errTorn, f.Close())
	}
	return r, nil
}

func (r *segmentReader) offset() int64 { return r.at + int64(r.pos) }

// next returns the next frame that lies whole before end; the payload is valid
// until the next call. It returns io.EOF at end, and errTorn where a frame is
// broken or cut short by it.
func (r *segmentReader) next(end int64) (kind byte, payload []byte, err error) {
	if r.offset() >= end {
		return 0, nil, io.EOF
	}
	head, err := r.peek(frameHead, end)
	if err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head)
	if n > maxFrame {
		return 0, nil, errTorn
	}
	frame, err := r.peek(frameHead+int(n), end)
	if err != nil {
		return 0, nil, err
	}
	if crc32.Checksum(frame[8:], castagnoli) != binary.LittleEndian.Uint32(frame[4:]) {
		return 0, nil, errTorn
	}
	r.pos += len(frame)
	return frame[8], frame[frameHead:], nil
}

// peek returns the next n bytes.
func (r *segmentReader) peek(n int, end int64) ([]byte, error) {
	if r.offset()+int64(n) > end {
		return nil, errTorn
	}
	if len(r.buf)-r.pos < n {
		rest := copy(r.buf, r.buf[r.pos:])
		r.at += int64(r.pos)
		r.pos = 0
		const usual = 256 << 10
		if want := max(n, usual); cap(r.buf) < want || cap(r.buf) > 16*usual && want == usual {
			r.buf = append(make([]byte, 0, want), r.buf[:rest]...)
		}
		r.buf = r.buf[:cap(r.buf)]
		limit := min(int64(len(r.buf)), end-r.at)
		got, err := r.f.ReadAt(r.buf[rest:limit], r.at+int64(rest))
		r.buf = r.buf[:rest+got]
		if len(r.buf) < n {
			if err == nil || errors.Is(err, io.EOF) {
				return nil, errTorn
			}
			return nil, err
		}
	}
	return r.buf[r.pos : r.pos+n], nil
}

func (r *segmentReader) close() error { return r.f.Close() }
