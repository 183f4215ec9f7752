package ask

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// idLen gives a million ids, for at most a thousand that are open.
const idLen = 4

// newID draws an id that no question bears that is open or remembered. It is
// drawn and not counted: an id that a person read before the server was started
// again must not name another question afterwards. The lock is held.
func (d *Desk) newID() string {
	for {
		id := strings.ToLower(rand.Text()[:idLen]) // base32: neither 0 nor 1
		if !slices.ContainsFunc(d.open, func(t *Ticket) bool { return t.id == id }) &&
			!slices.ContainsFunc(d.settled, func(a llm.Ask) bool { return a.ID == id }) {
			return id
		}
	}
}

// find returns the open question that id names. The lock is held.
func (d *Desk) find(id string) (*Ticket, error) {
	id = strings.ToLower(strings.TrimSpace(id))
	var open []*Ticket
	for _, t := range d.open {
		switch {
		case t.id == id:
			return t, nil
		case id != "" && strings.HasPrefix(t.id, id):
			open = append(open, t)
		}
	}
	var over []llm.Ask
	for _, a := range d.settled {
		switch {
		case a.ID == id:
			return nil, settledAlready(a)
		case id != "" && strings.HasPrefix(a.ID, id):
			over = append(over, a)
		}
	}
	switch {
	case len(open)+len(over) == 0:
		return nil, fmt.Errorf("%w: %q", ErrUnknown, id)
	case len(open) == 1 && len(over) == 0:
		return open[0], nil
	case len(open) == 0 && len(over) == 1:
		return nil, settledAlready(over[0])
	}
	return nil, fmt.Errorf("%w: %q begins %d", ErrAmbiguous, id, len(open)+len(over))
}

func settledAlready(a llm.Ask) error {
	return fmt.Errorf("%w: %s, %s by %s", ErrSettled, a.ID, a.Answer, a.By)
}
