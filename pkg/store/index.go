package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
)

const (
	textsSize = 256 << 10 // of the texts that wait together
	indexSize = 2 << 20   // of texts that are indexed in one transaction
)

// note keeps the text of an interaction for the index.
func (a *applier) note(ctx context.Context, n int64, text []byte) error {
	b := &a.batch
	if len(text) == 0 {
		return nil
	}
	if len(b.texts) > 0 && len(b.texts)+len(text) > textsSize {
		if err := a.flushTexts(ctx); err != nil {
			return err
		}
	}
	if len(b.texts) == 0 || n < b.least {
		b.least = n
	}
	b.texts = appendBytes(binary.AppendUvarint(b.texts, uint64(n)), text)
	return nil
}

// flushTexts writes the texts that were noted. They do not stay for long, so that
// little time is spent on their size.
func (a *applier) flushTexts(ctx context.Context) error {
	b := &a.batch
	if len(b.texts) == 0 {
		return nil
	}
	codec, data := a.squeezer.press(b.packed, b.texts)
	if codec != plain {
		b.packed = data
	}
	if _, err := a.stmts.texts.ExecContext(ctx, b.least, len(b.texts), int64(codec), data); err != nil {
		return fmt.Errorf("write texts: %w", err)
	}
	a.unindexed += int64(len(b.texts))
	b.texts = b.texts[:0]
	return nil
}

// noted is a text that waits for the index.
type noted struct {
	n    int64
	text []byte
}

// notedIn takes apart what flushTexts wrote.
func notedIn(data []byte) (list []noted, err error) {
	r := &reader{b: data}
	for len(r.b) > 0 && r.err == nil {
		list = append(list, noted{int64(r.int()), r.bytes()})
	}
	return list, r.err
}

// index indexes the texts that came first, in a transaction of its own.
func (a *applier) index(ctx context.Context) error {
	var done int64
	err := a.transact(ctx, func() (err error) {
		done, err = a.indexSome(ctx, "SELECT id, size, codec, data FROM unindexed ORDER BY id")
		return err
	})
	if err != nil {
		return fmt.Errorf("write the full-text index: %w", err)
	}
	if a.unindexed -= done; done == 0 {
		a.unindexed = 0
	}
	return nil
}

// indexSome indexes the texts of the first rows that a query gives, about
// indexSize bytes, and returns how many bytes it took. Those that cannot be read
// are lost to searches.
//
// They go in the order of n, since FTS5 writes out what it has gathered at every
// number that is less than the last one. The statements before it must not be of
// a kind that could be undone alone: at each of those it does so too.
func (a *applier) indexSome(ctx context.Context, query string, args ...any) (done int64, err error) {
	rows, err := a.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	var ids []int64
	var texts []noted
	for done < indexSize && rows.Next() {
		var id, size, c int64
		var data []byte
		if err := rows.Scan(&id, &size, &c, &data); err != nil {
			return 0, errors.Join(err, rows.Close())
		}
		ids = append(ids, id)
		done += size
		data, err := a.squeezer.expand(codec(c), data)
		if err == nil {
			var list []noted
			list, err = notedIn(data)
			texts = append(texts, list...)
		}
		if err != nil {
			a.log.Error("texts cannot be read; searches will not find them", "error", err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := a.exec(ctx, "DELETE FROM unindexed WHERE id = ?", id); err != nil {
			return 0, err
		}
	}
	slices.SortFunc(texts, func(x, y noted) int { return cmp.Compare(x.n, y.n) })
	return done, a.conn.Raw(func(any) error {
		var spelled []byte
		for _, t := range texts {
			if !isASCII(t.text) {
				spelled = spell(spelled[:0], t.text)
				t.text = spelled
			}
			if err := a.stmts.search.exec(ctx, t.n, string(t.text)); err != nil {
				return fmt.Errorf("write to the index: %w", err)
			}
		}
		return nil
	})
}

// isASCII reports whether text needs no more than the index's own tokenizer.
func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// spell writes the words of a text one behind the other, as filter cuts them.
func spell(dst, text []byte) []byte {
	for token := range filter.Tokens(string(text)) {
		dst = append(append(dst, token...), ' ')
	}
	return dst
}
