package tui

import (
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// follow says whether the list keeps up with what is new.
type follow uint8

const (
	following follow = iota // the newest row is selected
	paused                  // the user looks at something; new rows are counted
	off                     // the user does not want to follow
)

// list is the pane of interactions. Rows are selected by identity, and the
// selected one stays on its line of the window whatever comes or goes around it.
type list struct {
	rows  *rows
	shown []*row // what the filter picks, oldest first

	expr    filter.Expr // nil picks all
	text    bool        // expr asks for free text, which the server looks up
	sel     *row
	y       int // the window's line of the selected row
	mode    follow
	fresh   int // rows that came since following paused
	mark    *row
	width   int
	height  int // of the window, in lines
	changes int // counts what changed shown, for those who keep sums
}

func newList() list { return list{rows: newRows()} }

// apply takes a change in and returns its row.
func (l *list) apply(c *change) *row {
	r, gone := l.rows.apply(c)
	if gone != nil {
		l.drop(gone)
	}
	if l.rows.byID[r.i.ID] == r {
		l.place(r, l.picks(r, c))
	}
	return r
}

// picks reports whether the filter picks a row that has just changed.
func (l *list) picks(r *row, c *change) bool {
	switch {
	case l.expr == nil:
		return true
	case !l.text:
		return l.expr.Match(r.i, nil)
	}
	if c.whole {
		r.found = r.found || l.expr.Match(c.i, nil)
	}
	return r.found
}

// place shows or hides a row.
func (l *list) place(r *row, show bool) {
	if show == r.shown {
		return
	}
	l.changes++
	r.shown = show
	if !show {
		l.hide(r)
		return
	}
	last := len(l.shown) == 0 || !r.before(l.shown[len(l.shown)-1])
	l.shown = insertRow(l.shown, r)
	switch {
	case l.sel == nil || l.mode == following && last:
		l.sel = r
	case l.mode == paused && last:
		l.fresh++
	}
}

func (l *list) hide(r *row) {
	k, ok := find(l.shown, r)
	if !ok {
		return
	}
	if l.sel == r {
		l.sel = l.neighbour(k)
	}
	l.shown = append(l.shown[:k], l.shown[k+1:]...)
}

func (l *list) neighbour(k int) *row {
	switch {
	case k+1 < len(l.shown):
		return l.shown[k+1]
	case k > 0:
		return l.shown[k-1]
	}
	return nil
}

// drop forgets a row that gave way to newer ones.
func (l *list) drop(r *row) {
	if l.mark == r {
		l.mark = nil
	}
	if !r.shown {
		return
	}
	r.shown = false
	if len(l.shown) > 0 && l.shown[0] == r { // it is the oldest
		if l.sel == r {
			l.sel = l.neighbour(0)
		}
		l.shown[0] = nil
		l.shown = l.shown[1:]
		return
	}
	l.hide(r)
}

// filterBy shows what e picks; text tells that e asks for free text.
func (l *list) filterBy(e filter.Expr, text bool) {
	l.expr, l.text, l.fresh = e, text, 0
	l.changes++
	l.shown = make([]*row, 0, len(l.rows.all))
	for _, r := range l.rows.all {
		r.found = false
		r.shown = e == nil || !text && e.Match(r.i, nil)
		if r.shown {
			l.shown = append(l.shown, r)
		}
	}
	if l.sel == nil || !l.sel.shown {
		l.sel = nil
		l.end()
	}
}

// index returns where the selected row stands in shown.
func (l *list) index() int {
	if l.sel == nil {
		return -1
	}
	k, ok := find(l.shown, l.sel)
	if !ok {
		return -1
	}
	return k
}

// move selects the row n below the selected one.
func (l *list) move(n int) {
	k := l.index()
	if k < 0 {
		l.end()
		return
	}
	to := min(max(k+n, 0), len(l.shown)-1)
	step := 1
	if to < k {
		step = -1
	}
	for at := k; at != to && l.y >= 0 && l.y <= l.height; at += step {
		if step > 0 {
			l.y += l.rowHeight(l.shown[at])
		} else {
			l.y -= l.rowHeight(l.shown[at-1])
		}
	}
	l.sel = l.shown[to]
	if n < 0 && l.mode == following {
		l.mode = paused
	}
	if to == len(l.shown)-1 && l.mode == paused && n > 0 {
		l.mode, l.fresh = following, 0
	}
}

// top selects the oldest row.
func (l *list) top() {
	if len(l.shown) > 0 {
		l.sel, l.y = l.shown[0], 0
	}
	if l.mode == following {
		l.mode = paused
	}
}

// end selects the newest row.
func (l *list) end() {
	if len(l.shown) > 0 {
		l.sel, l.y = l.shown[len(l.shown)-1], l.height
	}
}

// resume follows again.
func (l *list) resume() {
	if l.mode == paused {
		l.mode = following
	}
	l.fresh = 0
	l.end()
}

// toggleFollow switches following off or on.
func (l *list) toggleFollow() {
	if l.mode == off {
		l.mode = following
		l.resume()
		return
	}
	l.mode, l.fresh = off, 0
}

// pause keeps the selected row while the user looks at it.
func (l *list) pause() {
	if l.mode == following {
		l.mode = paused
	}
}

// next selects the next row, in the given direction, that went wrong.
func (l *list) next(step int) bool {
	for k := l.index() + step; k >= 0 && k < len(l.shown); k += step {
		if r := l.shown[k]; failed(r.i) || r.i.Status >= 400 {
			l.move(k - l.index())
			return true
		}
	}
	return false
}

// settle keeps the selected row's line inside the window and the window full.
func (l *list) settle(k int) {
	own := l.rowHeight(l.sel)
	if l.mode == following && k == len(l.shown)-1 {
		l.y = l.height
	}
	l.y = max(min(l.y, l.height-own), 0)
	below := 0
	for j := k + 1; j < len(l.shown) && below < l.height; j++ {
		below += l.rowHeight(l.shown[j])
	}
	if end := l.y + own + below; end < l.height { // nothing to show there: move down
		l.y += l.height - end
	}
	above := 0
	for j := k - 1; j >= 0 && above < l.y; j-- {
		above += l.rowHeight(l.shown[j])
	}
	l.y = min(l.y, above)
}

// view makes the window's lines.
func (l *list) view(now time.Time) []paint.Line {
	k := l.index()
	if k < 0 || l.height <= 0 {
		return nil
	}
	l.settle(k)
	first, y := k, l.y
	for first > 0 && y > 0 {
		first--
		y -= l.rowHeight(l.shown[first])
	}
	var out []paint.Line
	for j := first; j < len(l.shown) && y < l.height; j++ {
		r := l.shown[j]
		for _, line := range l.rowLines(r, now) {
			if y >= 0 && y < l.height {
				out = append(out, line)
			}
			y++
		}
	}
	return out
}
