package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Totals are sums over interactions.
type Totals struct {
	Requests     int64       `json:"requests"`
	Errors       int64       `json:"errors"`  // failed, refused, or answered with a status of 400 or more
	Blocked      int64       `json:"blocked"` // with at least one verdict "block"
	InputTokens  int64       `json:"input_tokens"`
	OutputTokens int64       `json:"output_tokens"`
	CostUSD      llm.Decimal `json:"cost_usd"`
	// Unpriced counts the requests with usage whose cost is not known and so is
	// missing in CostUSD.
	Unpriced int64 `json:"unpriced,omitempty"`
}

const totals = `count(*),
	count(*) FILTER (WHERE state IN ('failed', 'refused') OR status >= 400),
	count(*) FILTER (WHERE verdicts LIKE '%"block"%'),
	ifnull(sum(input_tokens), 0), ifnull(sum(output_tokens), 0), ifnull(sum(cost), 0),
	count(*) FILTER (WHERE cost IS NULL AND ifnull(input_tokens, output_tokens) IS NOT NULL)`

func (t *Totals) targets() []any {
	return []any{&t.Requests, &t.Errors, &t.Blocked, &t.InputTokens, &t.OutputTokens, (*int64)(&t.CostUSD), &t.Unpriced}
}

func (t *Totals) add(o Totals) {
	t.Requests += o.Requests
	t.Errors += o.Errors
	t.Blocked += o.Blocked
	t.InputTokens += o.InputTokens
	t.OutputTokens += o.OutputTokens
	t.CostUSD += o.CostUSD
	t.Unpriced += o.Unpriced
}

// Stat is one row of statistics. Of the first four members those are set that
// were asked for.
type Stat struct {
	Provider string `json:"provider,omitempty"`
	Profile  string `json:"profile,omitempty"`
	Model    string `json:"model,omitempty"`
	Day      string `json:"day,omitempty"` // 2026-01-31, local time
	Totals
	// The time to the first token that half, and that all but a twentieth of the
	// requests were under; absent where none has one.
	TTFTP50 *llm.Millis `json:"ttft_p50_ms,omitempty"`
	TTFTP95 *llm.Millis `json:"ttft_p95_ms,omitempty"`
}

// quarter is the unit of time in which local days begin everywhere.
const quarter = 15 * time.Minute

// dimensions are what statistics can be grouped by.
var dimensions = map[string]string{
	"provider": "provider",
	"profile":  "profile",
	"model":    "iif(model = '', request_model, model)",
	"day":      "started_at / " + strconv.FormatInt(int64(quarter), 10),
}

// Stats sums up the interactions that f picks (nil is all), grouped by any of
// provider, profile, model and day, and sorted by day first. Without a group
// there is one row.
func (r *Reader) Stats(ctx context.Context, f filter.Expr, by []string) ([]Stat, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	found, err := r.lookThrough(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	w := &where{now: time.Now(), found: found}
	if err := w.query(Query{Filter: f}); err != nil {
		return nil, err
	}
	var groups []string
	for _, d := range by {
		column, ok := dimensions[d]
		if !ok {
			return nil, fmt.Errorf("statistics by %q: only by provider, profile, model and day", d)
		}
		groups = append(groups, column)
	}
	query := "SELECT " + strings.Join(append(slices.Clone(groups), totals, "group_concat(ttft)"), ", ") + //nolint:gosec // texts of ours
		" FROM interaction WHERE " + w.text()
	if len(groups) > 0 {
		query += " GROUP BY " + strings.Join(groups, ", ")
	}
	rows, err := tx.QueryContext(ctx, query, w.args...)
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	type sum struct {
		Stat
		ttft []int64
	}
	sums := map[Stat]*sum{}
	for rows.Next() {
		var key Stat
		var t Totals
		var at int64
		var ttft *string
		var targets []any
		for _, d := range by {
			switch d {
			case "provider":
				targets = append(targets, &key.Provider)
			case "profile":
				targets = append(targets, &key.Profile)
			case "model":
				targets = append(targets, &key.Model)
			case "day":
				targets = append(targets, &at)
			}
		}
		if err := rows.Scan(append(append(targets, t.targets()...), &ttft)...); err != nil {
			return nil, err
		}
		if slices.Contains(by, "day") {
			key.Day = time.Unix(0, at*int64(quarter)).Format(time.DateOnly)
		}
		if t.Requests == 0 {
			continue
		}
		s := sums[key]
		if s == nil {
			s = &sum{Stat: key}
			sums[key] = s
		}
		s.add(t)
		if ttft != nil {
			for _, n := range strings.Split(*ttft, ",") {
				if v, err := strconv.ParseInt(n, 10, 64); err == nil {
					s.ttft = append(s.ttft, v)
				}
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []Stat
	for _, s := range sums {
		slices.Sort(s.ttft)
		s.TTFTP50, s.TTFTP95 = percentile(s.ttft, 50), percentile(s.ttft, 95)
		out = append(out, s.Stat)
	}
	slices.SortFunc(out, func(a, b Stat) int {
		return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Provider, b.Provider),
			strings.Compare(a.Profile, b.Profile), strings.Compare(a.Model, b.Model))
	})
	if len(out) == 0 && len(by) == 0 {
		out = []Stat{{}}
	}
	return out, nil
}

// percentile returns the nearest-rank percentile of sorted numbers.
func percentile(sorted []int64, p int) *llm.Millis {
	if len(sorted) == 0 {
		return nil
	}
	rank := (len(sorted)*p + 99) / 100
	m := llm.Millis(sorted[max(rank, 1)-1])
	return &m
}

// Profile is what is known of one profile. The times count from its first use
// ever, the sums what is still kept.
type Profile struct {
	Name      string    `json:"name"`
	FirstUsed time.Time `json:"first_used"`
	LastUsed  time.Time `json:"last_used"`
	Totals
}

// Profiles returns every profile that was ever used, the last used first.
func (r *Reader) Profiles(ctx context.Context) ([]Profile, error) {
	sums, err := r.Stats(ctx, nil, []string{"profile"})
	if err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, "SELECT name, first_used, last_used FROM profile ORDER BY last_used DESC, name")
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var out []Profile
	for rows.Next() {
		var p Profile
		var first, last int64
		if err := rows.Scan(&p.Name, &first, &last); err != nil {
			return nil, err
		}
		p.FirstUsed, p.LastUsed = time.Unix(0, first).UTC(), time.Unix(0, last).UTC()
		if at := slices.IndexFunc(sums, func(s Stat) bool { return s.Profile == p.Name }); at >= 0 {
			p.Totals = sums[at].Totals
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
