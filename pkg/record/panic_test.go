package record_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// TestALookThatPanics costs its own exchange, which can still be recorded, and not the
// process, as the unlocking of what is not locked would.
func TestALookThatPanics(t *testing.T) {
	e := newExchange("application/json")
	x := e.rec.Begin(e.req, e.target)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nobody hears of the panic")
			}
		}()
		x.Request(record.Body{Data: e.body, Size: int64(len(e.body))}, func([]byte, *wire.Reading, error) []byte { panic("a defect") })
	}()
	if err := x.Refuse(500, &llm.Error{Message: "a defect"}, []byte("{}")); err != nil {
		t.Error(err)
	}
}
