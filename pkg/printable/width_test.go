package printable

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWidth(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{"", 0}, {"abc", 3}, {"世界", 4}, {"e\u0301", 1}, {"a\nbcd\nef", 3}, {"a\tb", 5},
		{"\x1b", 1}, {"⟨", 1}, {"👍", 2}, {"\u202e", 8}, {"🇩🇪", 2},
		// The wider of the two readings.
		{"\u0915\u094d\u0915\u094d\u0915", 3}, {"\u1100\u1100\u1100", 6}, {"👍🏽", 4}, {"\u1112\u1161\u11ab", 2}, {"กำ", 2}, {"⚠\ufe0f", 2}, {"1\ufe0f\u20e3", 2},
	}
	for _, tt := range tests {
		if got := New(tt.in).Width(); got != tt.want {
			t.Errorf("Width(%+q) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestTruncate(t *testing.T) {
	tests := []struct {
		in    string
		cells int
		want  string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"abcdef", 1, "…"}, {"abcdef", 0, ""}, {"abcdef", -3, ""},
		{"世界世界", 8, "世界世界"}, {"世界世界", 7, "世界世…"}, {"世界世界", 6, "世界…"}, {"世界", 1, "…"},
		{"\nabcdef\n", 3, "\nab…\n"}, {"a\tbc", 5, "a   …"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	}
	for _, tt := range tests {
		if got := New(tt.in).Truncate(tt.cells).String(); got != tt.want {
			t.Errorf("Truncate(%+q, %d) = %+q, want %+q", tt.in, tt.cells, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		in    string
		cells int
		want  []string
	}{
		{"", 5, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 6, []string{"one", "two", "three"}},
		{"a verylongword b", 6, []string{"a", "verylo", "ngword", "b"}},
		{"  indented text", 10, []string{"  indented", "text"}},
		{"a\n\nb", 3, []string{"a", "", "b"}},
		{"世界世界", 5, []string{"世界", "世界"}},
		{"世", 1, []string{"…"}},
		{"世界", 1, []string{"…", "…"}},
		{"abc   ", 3, []string{"abc"}},
		{"a\tb", 4, []string{"a", "b"}},
	}
	for _, tt := range tests {
		var got []string
		for _, line := range New(tt.in).Wrap(tt.cells) {
			got = append(got, line.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Wrap(%+q, %d): %s", tt.in, tt.cells, diff)
		}
	}
}

func TestLines(t *testing.T) {
	var got []string
	for _, line := range New("a\tb\n\n世\tc").Lines() {
		got = append(got, line.String())
	}
	if diff := cmp.Diff([]string{"a   b", "", "世  c"}, got); diff != "" {
		t.Error(diff)
	}
}
