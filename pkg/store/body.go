package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// A body is written as its parts. In the journal these are new bytes, ranges of
// an earlier request's body, and files; in the database, new bytes and ranges of
// pieces.
const (
	partNew   = iota // uvarint length, bytes
	partOld          // uvarint offset, uvarint length: of the body of the base
	partBlob         // SHA-256, uvarint size, codec, uvarint bytes on disk
	partPiece        // varint id minus the last one's, uvarint offset, uvarint length
)

const (
	longString = 64 << 10 // a JSON string of this length is an image, most likely
	largeText  = 1 << 20  // more new bytes than this do not go through the journal
	smallBody  = 4 << 10  // a request below this is kept whole, in no pieces
)

func appendBodyHead(dst []byte, b *record.Body, size int64) []byte {
	flags := byte(0)
	if b.Truncated {
		flags = 1
	}
	return binary.AppendUvarint(appendBytes(append(dst, flags), b.Encoding), uint64(size))
}

func (r *reader) bodyHead() (b record.Body) {
	b.Truncated = r.byte()&1 != 0
	b.Encoding = r.text()
	b.Size = int64(r.int())
	return b
}

// encoder writes the bodies of one entry for the journal.
type encoder struct {
	blobs  *blobs
	pinned []hash // blobs that the record uses
	shares bool   // a body refers to the base
	err    error  // the first blob that could not be kept
	parts  []byte // memory that is used again
}

// appendBody writes one side. old is the earlier body that this one may share
// bytes with, if any.
func (e *encoder) appendBody(dst []byte, b *record.Body, old likeness) []byte {
	if b.File != nil {
		return e.appendFile(dst, b)
	}
	parts := e.parts[:0]
	count, lost := 0, false
	id := ""
	spans := []span{{off: 0, len: len(b.Data)}}
	if old.base != nil {
		spans = diff(old.data, b.Data, old.common)
	}
	for _, s := range spans {
		if s.old {
			id = old.id
			e.shares = true
			parts = binary.AppendUvarint(append(parts, partOld), uint64(s.off))
			parts = binary.AppendUvarint(parts, uint64(s.len))
			count++
			continue
		}
		for data, isLarge := range stretches(b.Data[s.off : s.off+s.len]) {
			count++
			if !isLarge {
				parts = appendBytes(append(parts, partNew), data)
				continue
			}
			var ok bool
			if parts, ok = e.appendBlob(parts, data); !ok {
				count--
				lost = true
				break
			}
		}
		if lost {
			break
		}
	}
	e.parts = parts
	head := *b
	head.Truncated = b.Truncated || lost
	dst = appendBodyHead(dst, &head, int64(len(b.Data)))
	dst = appendBytes(dst, id)
	return append(binary.AppendUvarint(dst, uint64(count)), parts...)
}

// appendFile writes a body that lies in a file: whole blobs of it.
func (e *encoder) appendFile(dst []byte, b *record.Body) []byte {
	var parts []byte
	count, lost := 0, false
	buf := make([]byte, largeText)
	src := io.NewSectionReader(b.File, 0, b.Size)
	for at := int64(0); at < b.Size && !lost; {
		n, err := io.ReadFull(src, buf[:min(int64(len(buf)), b.Size-at)])
		if err != nil {
			e.fail(fmt.Errorf("read a spooled body: %w", err))
			lost = true
			break
		}
		var ok bool
		if parts, ok = e.appendBlob(parts, buf[:n]); !ok {
			lost = true
			break
		}
		count++
		at += int64(n)
	}
	head := *b
	head.Truncated = b.Truncated || lost
	dst = appendBodyHead(dst, &head, b.Size)
	dst = appendBytes(dst, "")
	return append(binary.AppendUvarint(dst, uint64(count)), parts...)
}

func (e *encoder) appendBlob(parts, data []byte) ([]byte, bool) {
	blob, err := e.blobs.put(data)
	if err != nil {
		e.fail(err)
		return parts, false
	}
	e.pinned = append(e.pinned, blob.hash)
	parts = append(append(parts, partBlob), blob.hash[:]...)
	parts = binary.AppendUvarint(parts, uint64(blob.size))
	parts = append(parts, byte(blob.codec))
	return binary.AppendUvarint(parts, uint64(blob.kept)), true
}

func (e *encoder) fail(err error) { e.err = errors.Join(e.err, err) }

// stretches cuts new bytes into what goes through the journal and what becomes
// files: long JSON strings, which are images and do not compress, and whatever
// is large.
func stretches(data []byte) func(yield func(data []byte, isLarge bool) bool) {
	return func(yield func([]byte, bool) bool) {
		text := func(b []byte) bool { // what stands between two long strings
			for len(b) > largeText {
				if !yield(b[:largeText], true) {
					return false
				}
				b = b[largeText:]
			}
			return len(b) == 0 || yield(b, false)
		}
		start, at := 0, 0
		for len(data)-at >= longString {
			n := bytes.IndexByte(data[at:], '"')
			if n < 0 {
				n = len(data) - at
			}
			if n >= longString {
				if !text(data[start:at]) {
					return
				}
				for blob := data[at : at+n]; len(blob) > 0; {
					k := min(len(blob), 4*largeText)
					if !yield(blob[:k], true) {
						return
					}
					blob = blob[k:]
				}
				start = at + n
			}
			at += n + 1
		}
		text(data[start:])
	}
}
