package simulate

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Main(m,
		// net/http lingers half a second on a connection that it closes, then ends.
		goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
