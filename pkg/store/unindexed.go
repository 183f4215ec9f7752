package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
)

// unindexed tells which interactions hold each text of a filter among those that
// the full-text index does not have yet: their numbers as a JSON array.
type unindexed map[filter.Text][]byte

// lookThrough reads the texts that wait for the index, and finds those that hold
// the free texts of a filter. It must see the same state of the database as the
// query that is given its result.
func (r *Reader) lookThrough(ctx context.Context, db queryer, e filter.Expr) (unindexed, error) {
	found := unindexed{}
	gather(found, e)
	if len(found) == 0 {
		return nil, nil
	}
	rows, err := db.QueryContext(ctx, "SELECT codec, data FROM unindexed ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("search what is not indexed: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	waiting := false
	for rows.Next() {
		waiting = true
		var c int64
		var data []byte
		if err := rows.Scan(&c, &data); err != nil {
			return nil, err
		}
		if data, err = r.squeezer.expand(codec(c), data); err != nil {
			return nil, fmt.Errorf("search what is not indexed: %w", err)
		}
		list, err := notedIn(data)
		if err != nil {
			return nil, fmt.Errorf("search what is not indexed: %w", err)
		}
		for _, t := range list {
			text := string(t.text)
			for phrase := range found {
				if filter.ContainsText(text, string(phrase)) {
					found.add(phrase, t.n)
				}
			}
		}
	}
	if waiting && r.searched != nil {
		r.searched() // the next search will have less to read
	}
	for phrase, list := range found {
		if list != nil {
			found[phrase] = append(list, ']')
		}
	}
	return found, rows.Err()
}

func (u unindexed) add(phrase filter.Text, n int64) {
	sep := byte(',')
	if u[phrase] == nil {
		sep = '['
	}
	u[phrase] = strconv.AppendInt(append(u[phrase], sep), n, 10)
}

// gather notes the free texts of a filter.
func gather(texts unindexed, e filter.Expr) {
	switch e := e.(type) {
	case filter.And:
		for _, x := range e {
			gather(texts, x)
		}
	case filter.Or:
		for _, x := range e {
			gather(texts, x)
		}
	case filter.Not:
		gather(texts, e.X)
	case filter.Text:
		texts[e] = nil
	}
}

// all reports whether each of the texts was found at least once.
func (u unindexed) all(texts []filter.Text) bool {
	for _, t := range texts {
		if u[t] == nil {
			return false
		}
	}
	return true
}
