package record

import (
	"testing"
	"time"
)

// TestArrivals: however long a stream is, its marks are enough and not too many, each
// says when that many bytes were there, and the last one says when all were.
func TestArrivals(t *testing.T) {
	at := func(chunk int) time.Duration { return time.Duration(chunk*chunk%7+chunk*10) * time.Millisecond }
	var a arrivals
	for chunk := 1; chunk <= 10_000; chunk++ {
		a.add(int64(chunk), at(chunk))
		marks := a.marks()
		if chunk == 1 {
			if marks != nil {
				t.Fatalf("a body that came at once has the marks %v", marks)
			}
			continue
		}
		if n := len(marks); n > markLimit || n < min(chunk, markLimit/2) || cap(a.list) > arrivalLimit {
			t.Fatalf("%d marks of %d chunks, from a list of %d", n, chunk, cap(a.list))
		}
		widest, before := int64(0), int64(0)
		for _, m := range marks {
			if m[0] <= before || m[1] != at(int(m[0])).Microseconds() {
				t.Fatalf("of %d chunks the mark %v follows %d", chunk, m, before)
			}
			widest, before = max(widest, m[0]-before), m[0]
		}
		if before != int64(chunk) {
			t.Fatalf("of %d chunks the last mark is %d", chunk, before)
		}
		if even := int64(chunk/(markLimit/2) + 1); widest > 2*even {
			t.Fatalf("of %d chunks %d stand between two marks", chunk, widest)
		}
	}
}

// TestArrivalsAtOnce: chunks that come at once are one arrival.
func TestArrivalsAtOnce(t *testing.T) {
	var a arrivals
	for chunk := range int64(5) {
		a.add(chunk+1, time.Duration(chunk)*arrivalGap/5)
	}
	a.add(6, arrivalGap)
	a.add(7, arrivalGap+arrivalGap/2)
	if got := a.marks(); len(got) != 2 || got[0] != [2]int64{5, 0} || got[1] != [2]int64{7, 1000} {
		t.Errorf("the marks are %v", got)
	}
}
