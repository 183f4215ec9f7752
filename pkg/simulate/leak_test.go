package simulate

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// net/http lingers half a second on a connection that it closes, then ends.
		goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
