package ask

import (
	"errors"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// FuzzSettle answers with anything: a question is settled by its own id or the
// beginning of it alone, once, and by an answer that says allow or block.
func FuzzSettle(f *testing.F) {
	for _, s := range [][3]string{{"", "allow", ""}, {"%", "allow", ""}, {"%%", "block", ""}, {"ABCD", "allow", "{}"}, {"%%%%", "allow", `{"a":1,"a":2}`}, {"%%%%", "maybe", ""}, {" %%%% ", "allow", "{"}, {"\x00", "", ""}} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, id, action, arguments string) {
		d := New(Options{})
		defer d.Close()
		ticket := d.Put(llm.Ask{Tool: "x", Arguments: []byte("{}")})
		// Each % stands for the next letter of the question's own id.
		var own []byte
		n := 0
		for i := range len(id) {
			if id[i] == '%' && n < len(ticket.ID()) {
				own = append(own, ticket.ID()[n])
				n++
			} else {
				own = append(own, id[i])
			}
		}
		settled, err := d.Settle(string(own), llm.AskAnswer{Action: llm.Action(action), Arguments: []byte(arguments)})
		if err == nil && settled.ID != ticket.ID() {
			t.Fatalf("%q settled %q", own, settled.ID)
		}
		if err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrAmbiguous) && !errors.Is(err, ErrSettled) {
			t.Fatal(err)
		}
		if _, again := d.Settle(ticket.ID(), llm.AskAnswer{Action: llm.ActionAllow}); (err == nil) != errors.Is(again, ErrSettled) {
			t.Fatalf("%v, and then %v", err, again)
		}
	})
}
