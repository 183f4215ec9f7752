package cli

import (
	"os"
	"strings"
	"testing"
)

// TestDemoLeavesNothing: the story is told alike each time, and nothing of it stays;
// TestMain looks for goroutines.
func TestDemoLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	first, errs := must(t, t.TempDir(), terminal{}, "demo") // no terminal: it is told
	if again, _ := must(t, t.TempDir(), terminal{}, "demo", "--headless"); again != first {
		t.Errorf("told again it is another story:\n%s", again)
	}
	if !strings.HasPrefix(first, "SIMULATED") || errs != "" {
		t.Errorf("it begins %.60q, and says %q", first, errs)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
