package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
)

// where is a condition in SQL. Values of the query go in as parameters only.
type where struct {
	conditions []string
	args       []any
	now        time.Time
	found      unindexed
}

func (w *where) text() string {
	if len(w.conditions) == 0 {
		return "1"
	}
	return strings.Join(w.conditions, " AND ")
}

func (w *where) add(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

// query adds what q demands.
func (w *where) query(q Query) error {
	if !q.Since.IsZero() {
		w.add("started_at >= ?", q.Since.UnixNano())
	}
	if !q.Until.IsZero() {
		w.add("started_at < ?", q.Until.UnixNano())
	}
	const place = "(SELECT started_at, n FROM interaction WHERE id = ?)"
	if q.Before != "" {
		w.add("(started_at, n) < "+place, q.Before)
	}
	if q.After != "" {
		w.add("(started_at, n) > "+place, q.After)
	}
	if q.Filter != nil {
		text, err := w.expr(q.Filter)
		if err != nil {
			return err
		}
		w.conditions = append(w.conditions, text)
	}
	return nil
}

// expr translates a filter. The text it returns is never NULL: what an
// interaction does not have is false, and its negation true.
func (w *where) expr(e filter.Expr) (string, error) {
	switch e := e.(type) {
	case filter.And:
		return w.all(e, " AND ", "1")
	case filter.Or:
		return w.all(e, " OR ", "0")
	case filter.Not:
		x, err := w.expr(e.X)
		return "NOT " + x, err
	case filter.Match:
		return w.match(e)
	case filter.Compare:
		return w.compare(e)
	case filter.When:
		op := ">="
		if e.Word == "until" {
			op = "<"
		}
		w.args = append(w.args, e.Moment(w.now).UnixNano())
		return "(started_at " + op + " ?)", nil
	case filter.Text:
		w.args = append(w.args, phrase(e))
		indexed := "n IN (SELECT rowid FROM search WHERE search MATCH ?)"
		list := w.found[e]
		if list == nil {
			return "(" + indexed + ")", nil
		}
		w.args = append(w.args, string(list))
		return "(" + indexed + " OR n IN (SELECT value FROM json_each(?)))", nil
	}
	return "", fmt.Errorf("filter: %T is not known", e)
}

// phrase writes free text in the language of the index. Tokens are letters,
// digits and marks, so nothing in them can end the quotes; the star lets the last
// one go on. A phrase without tokens finds nothing.
func phrase(t filter.Text) string {
	tokens := strings.Join(slices.Collect(filter.Tokens(string(t))), " ")
	if tokens == "" {
		return `""`
	}
	return `"` + tokens + `" *`
}

func (w *where) all(list []filter.Expr, op, none string) (string, error) {
	if len(list) == 0 {
		return none, nil
	}
	parts := make([]string, len(list))
	for i, x := range list {
		var err error
		if parts[i], err = w.expr(x); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

// columns are where the texts of words lie.
var columns = map[string]string{
	"provider": "provider", "profile": "profile", "api": "api", "state": "state", "agent": "agent",
	"session": "session", "id": "id", "method": "method", "path": "path",
}

// lists are the columns that hold JSON arrays.
var lists = map[string]string{"tool": "tools", "verdict": "verdicts", "finding": "findings", "error": "errors"}

func (w *where) match(e filter.Match) (string, error) {
	word, ok := filter.Lookup(e.Word)
	if !ok {
		return "", fmt.Errorf("filter: there is no word %q", e.Word)
	}
	pattern := e.Pattern.For(word.Kind)
	if column, ok := lists[word.Name]; ok {
		if pattern.Empty() {
			return "(" + column + " IS NULL)", nil
		}
		return "(EXISTS (SELECT 1 FROM json_each(" + column + ") WHERE " + w.like("value", pattern) + "))", nil
	}
	if word.Name == "model" {
		if pattern.Empty() {
			return "(model = '' AND request_model = '')", nil
		}
		return "(" + w.like("model", pattern) + " OR " + w.like("request_model", pattern) + ")", nil
	}
	column, ok := columns[word.Name]
	if !ok {
		return "", fmt.Errorf("filter: the store does not know the word %q", word.Name)
	}
	if pattern.Empty() {
		return "(" + column + " = '')", nil
	}
	return "(" + w.like(column, pattern) + ")", nil
}

var likeSigns = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// like compares a column with a pattern, which is not the empty one. LIKE
// ignores the case of ASCII letters, as filter does.
func (w *where) like(column string, p filter.Pattern) string {
	parts := make([]string, len(p))
	for i := range p {
		parts[i] = likeSigns.Replace(p[i])
	}
	w.args = append(w.args, strings.Join(parts, "%"))
	text := column + ` LIKE ? ESCAPE '\'`
	if p.Wild() {
		text = "(" + column + " <> '' AND " + text + ")"
	}
	return text
}

// numbers are the columns of words that compare numbers.
var numbers = map[string]string{
	"status": "status", "stream": "stream", "cost": "cost", "in": "input_tokens", "out": "output_tokens",
	"tokens": "CASE WHEN input_tokens IS NULL AND output_tokens IS NULL THEN NULL" +
		" ELSE ifnull(input_tokens, 0) + ifnull(output_tokens, 0) END",
	"ttft": "ttft", "duration": "duration",
}

func (w *where) compare(e filter.Compare) (string, error) {
	word, _ := filter.Lookup(e.Word)
	column, ok := numbers[word.Name]
	if !ok {
		return "", fmt.Errorf("filter: the store does not know the word %q", e.Word)
	}
	switch e.Op {
	case filter.Equal, filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual:
	default:
		return "", errors.New("filter: an unknown comparison")
	}
	w.args = append(w.args, e.N)
	return "(ifnull((" + column + ") " + string(e.Op) + " ?, 0))", nil
}
