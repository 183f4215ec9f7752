package tui

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// raw shows one side of the exchange: its line, its headers and its body, as it
// went over the wire or decoded and laid out.
func (d *detail) raw(g *page) {
	var l paint.Line
	l.Add(paint.Bold, printable.Line(string(d.side)))
	if d.wire {
		l.Say(paint.Dim, "  as on the wire, b decodes")
	} else {
		l.Say(paint.Dim, "  decoded, b shows the wire")
	}
	l.Say(paint.Dim, ", t shows the other side")
	g.line(l)
	g.empty()
	if d.side == control.SideRequest {
		g.text(paint.Bold, d.i.Method+" "+d.i.Path)
	} else {
		g.text(paint.Bold, line("HTTP %s", statusText(d.i)).String())
	}
	if d.ex != nil {
		m := &d.ex.Request
		if d.side == control.SideResponse {
			m = &d.ex.Response
		}
		for _, name := range slices.Sorted(maps.Keys(m.Header)) {
			var l paint.Line
			l.Add(paint.Dim, printable.Line(name+": "))
			l.Add(paint.Plain, printable.Line(strings.Join(m.Header[name], ", ")))
			g.line(l)
		}
		g.note(line("%s on the wire %s", size(m.Size), m.Encoding).String())
	}
	g.empty()
	b := d.bodies[bodyKey{d.side, d.wire}]
	switch {
	case b == nil || errors.Is(b.err, errWaiting):
		g.note("reading…")
		return
	case b.err != nil && !d.i.State.Final():
		g.note("The body is shown when it is recorded.")
		return
	case b.err != nil:
		g.fault(b.err)
		return
	}
	switch {
	case d.wire:
		g.text(paint.Plain, string(b.bytes))
	case isEvents(b.bytes):
		d.events(g, b.bytes)
	default:
		g.json(b.bytes)
	}
	if b.cut {
		g.note(line("… only the first %s are shown", size(maxBody)).String())
	}
}

func isEvents(b []byte) bool {
	return bytes.HasPrefix(b, []byte("data:")) || bytes.HasPrefix(b, []byte("event:")) || bytes.HasPrefix(b, []byte(":"))
}

// events lists the events of a stream with where each begins and when it came.
// Offsets count decoded bytes; times are known where nothing was encoded.
func (d *detail) events(g *page, b []byte) {
	for at := 0; at < len(b); {
		end := len(b)
		if k := bytes.Index(b[at:], []byte("\n\n")); k >= 0 {
			end = at + k + 2
		} else if k := bytes.Index(b[at:], []byte("\r\n\r\n")); k >= 0 {
			end = at + k + 4
		}
		var l paint.Line
		l.Add(paint.Dim, line("%7d %7s ", at, d.arrived(int64(end))))
		g.pieces(block{lead: l, style: paint.Plain, code: true}, strings.TrimRight(string(b[at:end]), "\r\n"))
		at = end
	}
}

// arrived tells when the response had grown to an offset.
func (d *detail) arrived(offset int64) string {
	if d.ex == nil || d.ex.Response.Encoding != "" {
		return ""
	}
	k, _ := slices.BinarySearchFunc(d.ex.Arrivals, offset, func(a control.Arrival, o int64) int {
		switch {
		case a.Offset < o:
			return -1
		case a.Offset > o:
			return 1
		}
		return 0
	})
	if k == len(d.ex.Arrivals) {
		return ""
	}
	after := d.ex.Arrivals[k].AfterMS
	return millis((*llm.Millis)(&after))
}
