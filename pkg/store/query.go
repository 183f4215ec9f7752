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
	numbers, args, err := q.numbers(time.Now())
	if err != nil {
		return func(yield func(*llm.Interaction, error) bool) { yield(nil, err) }
	}
	return r.each(ctx, numbers, args)
}

// numbers makes the query for the numbers of the interactions that q picks.
//
// Where every one of them must hold a phrase, the full-text index leads, in the
// order of its numbers, so that the search ends when there are enough: numbers
// are given in the order in which interactions begin, give or take those that
// begin together.
func (q Query) numbers(now time.Time) (query string, args []any, err error) {
	from, order := "interaction", "started_at%[1]s, n%[1]s"
	w := &where{now: now}
	if phrases, rest := split(q.Filter); len(phrases) > 0 {
		from, order = "search CROSS JOIN interaction ON n = search.rowid", "search.rowid%[1]s"
		w.add("search MATCH ?", strings.Join(phrases, " AND "))
		q.Filter = rest
	}
	if err := w.query(q); err != nil {
		return "", nil, err
	}
	query = "SELECT n FROM " + from + " WHERE " + w.text()
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

// split takes the phrases that all must hold out of a filter.
func split(e filter.Expr) (phrases []string, rest filter.Expr) {
	all, ok := e.(filter.And)
	if !ok {
		all = filter.And{e}
	}
	var others filter.And
	for _, x := range all {
		if text, ok := x.(filter.Text); ok {
			phrases = append(phrases, phrase(text))
		} else if x != nil {
			others = append(others, x)
		}
	}
	return phrases, others
}

// each ranges over the interactions whose numbers a query gives.
func (r *Reader) each(ctx context.Context, numbers string, args []any) iter.Seq2[*llm.Interaction, error] {
	return func(yield func(*llm.Interaction, error) bool) {
		// One connection for the rows and for their blocks: two would wait for
		// each other where all are taken, and see different states.
		conn, err := r.db.Conn(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer conn.Close()                  //nolint:errcheck // it goes back to the pool
		rows, err := conn.QueryContext(ctx, //nolint:gosec // numbers is a text of ours
			`SELECT i.id, i.started_at, i.provider, i.profile, i.api, i.method, i.path,
			i.status, i.state, i.stream, i.model, i.request_model, i.agent, i.session, i.block, i.slot
			FROM interaction i WHERE i.n IN (`+numbers+`) ORDER BY i.started_at, i.n`, args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close() //nolint:errcheck // Err tells
		blocks := blockCache{conn: conn, squeezer: r.squeezer}
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
	conn     *sql.Conn
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
		err := c.conn.QueryRowContext(ctx, "SELECT codec, data FROM block WHERE id = ?", id).Scan(&k, &packed)
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
