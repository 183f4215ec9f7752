package fact_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// long is a conversation of about 100 kB, unlike every other one.
func long(n int) *llm.Conversation {
	var b strings.Builder
	for k := 0; b.Len() < 100<<10; k++ {
		fmt.Fprintf(&b, "word%d of page %d, mail bob%d@corp.test. ", k, n, k)
	}
	return &llm.Conversation{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartText, Text: b.String()}}}}}
}

// TestMemoryIsBounded: what is kept of conversations is bounded by bytes, and not by
// their number alone.
func TestMemoryIsBounded(t *testing.T) {
	a := fact.NewAnalyzer(1 << 20)
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc >> 20)
	}
	before := heap()
	for n := range 100 {
		a.View(fact.Scope{}, long(n))
		a.Hold(fmt.Sprint("r", n), long(n), llm.Message{Role: llm.RoleAssistant})
	}
	if grown := heap() - before; grown > 24 { // 100 of them take about 100 MB
		t.Errorf("the memory has grown by %d MB", grown)
	}
	// A history that had to go is not known, and not trusted.
	for id, want := range map[string]bool{"r0": true, "r99": false} {
		if got := a.View(fact.Scope{}, &llm.Conversation{PreviousID: id}).Labels().Untrusted; got != want {
			t.Errorf("%s: untrusted %v", id, got)
		}
	}
	runtime.KeepAlive(a)
}
