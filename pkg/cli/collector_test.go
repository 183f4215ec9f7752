package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestCollectPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 200}, {1 << 20, 200}, {64 << 20, 200}, {128 << 20, 100}, {256 << 20, 50}, {1 << 30, 50},
	} {
		if got := collectPercent(c.live); got != c.want {
			t.Errorf("%d live bytes: %d %%, want %d", c.live, got, c.want)
		}
	}
}

func TestCollectorFollowsTheHeap(t *testing.T) {
	const mine = 77
	defer debug.SetGCPercent(debug.SetGCPercent(mine))
	stop := tuneCollector()
	await := func(what string, is func(percent int) bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			runtime.GC()
			sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
			metrics.Read(sample)
			percent := int(sample[0].Value.Uint64())
			if is(percent) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %d %%", what, percent)
			}
		}
	}
	await("a small heap", func(p int) bool { return p > 100 })
	large := make([]byte, 2*headroom)
	for i := 0; i < len(large); i += 4096 {
		large[i] = 1
	}
	await("a large heap", func(p int) bool { return p < 100 })
	runtime.KeepAlive(large)
	large = nil
	await("a small heap again", func(p int) bool { return p > 100 })
	stop()
	runtime.GC()
	if p := debug.SetGCPercent(mine); p != mine {
		t.Errorf("stopped, but the percent is %d", p)
	}
}
