package cli

import (
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestHumanDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ms", 400 * time.Microsecond: "0ms", 850 * time.Millisecond: "850ms", 999400 * time.Microsecond: "999ms", 999600 * time.Microsecond: "1.0s",
		1234 * time.Millisecond: "1.2s", 9949 * time.Millisecond: "9.9s", 9951 * time.Millisecond: "10s", 59400 * time.Millisecond: "59s", 59600 * time.Millisecond: "1m00s",
		192 * time.Second: "3m12s", 3599600 * time.Millisecond: "1h00m", 125 * time.Minute: "2h05m", 50 * time.Hour: "2d02h", 720 * time.Hour: "30d", -time.Second: "-1.0s",
	} {
		if got := humanDuration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestHumanCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 612: "612", 999: "999", 1000: "1.0k", 4149: "4.1k", 9949: "9.9k", 9951: "10k", 41234: "41k",
		999499: "999k", 999500: "1.0M", 1_234_567: "1.2M", 5_000_000_000: "5.0G", 12_345_000_000_000: "12345G", -1500: "-1.5k"} {
		if got := humanCount(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 120_000: "120 kB", 5_000_000: "5.0 MB"} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
}

func TestHumanCost(t *testing.T) {
	for dollars, want := range map[string]string{"0": "$0", "0.213": "$0.21", "0.215": "$0.22", "0.1": "$0.10", "0.0999": "$0.100", "0.05": "$0.050", "0.00123": "$0.0012",
		"0.0000004": "$0.00000040", "0.000000000001": "$0.000000000001", "12.5": "$12.50", "1234.567": "$1234.57", "0.999": "$1.00", "-0.5": "-$0.50"} {
		d, err := llm.ParseDecimal(dollars)
		if err != nil {
			t.Fatal(err)
		}
		if got := humanCost(&d); got != want {
			t.Errorf("%s is %q, want %q", dollars, got, want)
		}
	}
	if got := humanCost(nil); got != "~" {
		t.Errorf("an unknown cost is %q", got)
	}
}

func TestHumanTime(t *testing.T) {
	now := time.Date(2026, 3, 4, 20, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{
		now.Add(-time.Hour): "19:00:00", now.Add(-30 * time.Hour): "Mar  3 14:00", now.AddDate(-1, 0, 0): "2025-03-04",
		now.Add(time.Hour).In(time.FixedZone("far", 5*3600)): "21:00:00",
	} {
		if got := humanTime(at, now); got != want {
			t.Errorf("%v is %q, want %q", at, got, want)
		}
	}
}

func TestHumanTokens(t *testing.T) {
	for want, u := range map[string]*llm.Usage{
		"~": nil, "~→~": {}, "41k→~": {InputTokens: ptr(int64(41000))}, "0→612": {InputTokens: ptr(int64(0)), OutputTokens: ptr(int64(612))},
	} {
		if got := humanTokens(u); got != want {
			t.Errorf("%+v is %q, want %q", u, got, want)
		}
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[string]string{"": "", "abc": "abc", "0198c2f4-1a2b-7c3d-8e4f-00003f9a21c0": "3f9a21c0"} {
		if got := shortID(id); got != want {
			t.Errorf("%q is %q, want %q", id, got, want)
		}
	}
}
