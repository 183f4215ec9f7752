package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Query picks interactions. The zero value of each member picks all.
type Query struct {
	Filter filter.Expr
	Since  time.Time // started then or later
	Until  time.Time // started before
	Before string    // started before the interaction with this whole id
	After  string    // started after it
	// Limit is how many at most: the newest that fit, or the oldest.
	Limit  int
	Oldest bool
}

// List returns the interactions that q picks, the newest last.
func (r *Reader) List(ctx context.Context, q Query) ([]*llm.Interaction, error) {
	var list []*llm.Interaction
	for i, err := range r.Each(ctx, q) {
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

// Each ranges over the interactions that q picks, the newest last, without
// holding all of them in memory. An error ends it.
func (r *Reader) Each(ctx context.Context, q Query) iter.Seq2[*llm.Interaction, error] {
	return r.each(ctx, func(db queryer) (string, []any, error) {
		found, err := r.lookThrough(ctx, db, q.Filter)
		if err != nil {
			return "", nil, err
		}
		return q.numbers(time.Now(), found)
	})
}

// numbers makes the query for the numbers of the interactions that q picks.
//
// Where every one of them must hold a phrase, the full-text index leads, in the
// order of its numbers, so that the search ends when there are enough: numbers
// are given in the order in which interactions begin, give or take those that
// begin together. What is not indexed yet comes beside it, in the same order.
func (q Query) numbers(now time.Time, found unindexed) (query string, args []any, err error) {
	order := "started_at%[1]s, n%[1]s"
	texts, rest := split(q.Filter)
	w := &where{now: now, found: found}
	if len(texts) == 0 {
		if err := w.query(q); err != nil {
			return "", nil, err
		}
		query = "SELECT n FROM interaction WHERE " + w.text()
	} else {
		order = "n%[1]s"
		q.Filter = rest
		phrases := make([]string, len(texts))
		for i, t := range texts {
			phrases[i] = phrase(t)
		}
		w.add("search MATCH ?", strings.Join(phrases, " AND "))
		if err := w.query(q); err != nil {
			return "", nil, err
		}
		query = "SELECT n FROM search CROSS JOIN interaction ON n = search.rowid WHERE " + w.text()
		if found.all(texts) {
			beside := &where{now: now, found: found}
			for _, t := range texts {
				beside.add("n IN (SELECT value FROM json_each(?))", string(found[t]))
			}
			if err := beside.query(q); err != nil {
				return "", nil, err
			}
			query += " UNION ALL SELECT n FROM interaction WHERE " + beside.text()
			w.args = append(w.args, beside.args...)
		}
	}
	if q.Limit > 0 {
		down := " DESC"
		if q.Oldest {
			down = ""
		}
		query += " ORDER BY " + fmt.Sprintf(order, down) + " LIMIT ?"
		w.args = append(w.args, q.Limit)
	}
	return query, w.args, nil
}

// split takes the texts that all must hold out of a filter.
func split(e filter.Expr) (texts []filter.Text, rest filter.Expr) {
	all, ok := e.(filter.And)
	if !ok {
		all = filter.And{e}
	}
	var others filter.And
	for _, x := range all {
		if text, ok := x.(filter.Text); ok {
			texts = append(texts, text)
		} else if x != nil {
			others = append(others, x)
		}
	}
	return texts, others
}

// each ranges over the interactions whose numbers a query gives, which is made
// once the state of the database that it will see is settled.
func (r *Reader) each(ctx context.Context, query func(db queryer) (numbers string, args []any, err error)) iter.Seq2[*llm.Interaction, error] {
	return func(yield func(*llm.Interaction, error) bool) {
		// One connection for the rows and for their blocks: two would wait for
		// each other where all are taken, and see different states.
		tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			yield(nil, err)
			return
		}
		defer tx.Rollback() //nolint:errcheck // nothing was written
		numbers, args, err := query(tx)
		if err != nil {
			yield(nil, err)
			return
		}
		rows, err := tx.QueryContext(ctx, //nolint:gosec // numbers is a text of ours
			`SELECT i.id, i.started_at, i.provider, i.profile, i.api, i.method, i.path,
			i.status, i.state, i.stream, i.model, i.request_model, i.agent, i.session, i.block, i.slot
			FROM interaction i WHERE i.n IN (`+numbers+`) ORDER BY i.started_at, i.n`, args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close() //nolint:errcheck // Err tells
		blocks := blockCache{db: tx, squeezer: r.squeezer}
		for rows.Next() {
			var w row
			var status, block, number *int64
			err := rows.Scan(&w.id, &w.startedAt, &w.provider, &w.profile, &w.api, &w.method, &w.path,
				&status, &w.state, &w.stream, &w.model, &w.requestModel, &w.agent, &w.session, &block, &number)
			if err != nil {
				yield(nil, err)
				return
			}
			var i *llm.Interaction
			if block == nil || number == nil {
				w.status = maybe{}
				if status != nil {
					w.status.n = *status
				}
				i = w.interaction()
			} else if i, err = blocks.interaction(ctx, *block, int(*number)); err != nil {
				yield(nil, err)
				return
			}
			if !yield(i, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// blockCache keeps the last blocks read: neighbours in time share them.
type blockCache struct {
	db       queryer
	squeezer *squeezer
	recent   [4]struct {
		id   int64
		data []byte
	}
	next int
}

func (c *blockCache) interaction(ctx context.Context, id int64, number int) (*llm.Interaction, error) {
	var data []byte
	for i := range c.recent {
		if c.recent[i].data != nil && c.recent[i].id == id {
			data = c.recent[i].data
		}
	}
	if data == nil {
		var k int64
		var packed []byte
		err := c.db.QueryRowContext(ctx, "SELECT codec, data FROM block WHERE id = ?", id).Scan(&k, &packed)
		if err != nil {
			return nil, err
		}
		if data, err = c.squeezer.expand(codec(k), packed); err != nil {
			return nil, err
		}
		at := &c.recent[c.next%len(c.recent)]
		at.id, at.data = id, data
		c.next++
	}
	s, err := slotOf(data, number)
	if err != nil {
		return nil, err
	}
	return s.interaction()
}
