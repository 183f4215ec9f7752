package store

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

func TestRowAndHeaderRoundTrip(t *testing.T) {
	r := newRand(4)
	for range 200 {
		want := rowOf(varied(r))
		read := &reader{b: appendRow(nil, want), intern: map[string]string{}}
		got := read.row()
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{}, maybe{})); diff != "" || read.err != nil || len(read.b) != 0 {
			t.Fatalf("%v, %d bytes left (-want +got):\n%s", read.err, len(read.b), diff)
		}
	}
	want := http.Header{"A": {"1", "", "3"}, "B": {"é\x00"}}
	read := &reader{b: appendHeader(nil, record.Header{{Name: "A", Values: want["A"]}, {Name: "B", Values: want["B"]}})}
	if diff := cmp.Diff(want, read.header()); diff != "" || read.err != nil {
		t.Errorf("%v (-want +got):\n%s", read.err, diff)
	}
}

// Whatever bytes there are, reading them ends without a panic, and without
// taking more memory than they could fill.
func FuzzReader(f *testing.F) {
	e := entry("seed")
	f.Add(appendRow(nil, rowOf(e.Interaction)))
	f.Add(appendHeader(nil, e.RequestHeader))
	f.Add(appendEntry(nil, e, likeness{}, &encoder{}))
	s := appendBytes(nil, []byte("{}"))
	f.Add(appendBytes(nil, s))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{b: data}
		r.row()
		r = &reader{b: data}
		r.header()
		s, err := slotOf(data, len(data)%3)
		if err != nil {
			return
		}
		_, _ = s.header(Request)
		_, _ = s.interaction()
		for _, side := range []Side{Request, Response} {
			b, err := s.body(side)
			if err != nil {
				continue
			}
			for _, p := range b.parts {
				if p.piece != 0 {
					return // there is no database to read it from
				}
			}
			_, _ = b.assemble(context.Background(), nil, nil, nil)
		}
	})
}

// However an old and a new body differ, the spans make the new one.
func TestDiffMakesTheBody(t *testing.T) {
	for seed := range 400 {
		r := newRand(uint64(seed))
		old := []byte(prose(r, r.IntN(20_000)))
		body := slices.Clone(old)
		for range r.IntN(7) {
			at := r.IntN(len(body) + 1)
			n := min(r.IntN(3000), len(body)-at)
			switch r.IntN(3) {
			case 0:
				body = slices.Delete(body, at, at+n)
			case 1:
				body = slices.Insert(body, at, random(r, n)...)
			case 2:
				body = slices.Insert(body, at, body[:n]...)
			}
		}
		var made []byte
		for _, s := range diff(old, body, endsOf(old, body)) {
			if s.len <= 0 {
				t.Fatalf("seed %d: an empty span %+v", seed, s)
			}
			if s.old {
				made = append(made, old[s.off:s.off+s.len]...)
			} else {
				made = append(made, body[s.off:s.off+s.len]...)
			}
		}
		if !bytes.Equal(made, body) {
			t.Fatalf("seed %d: %d bytes were made, not %d", seed, len(made), len(body))
		}
	}
}

// A marker that moves on, as agents move their cache breakpoints, does not cost
// the text around it.
func TestDiffFindsMovedMarkers(t *testing.T) {
	r := newRand(3)
	a, b, c, d := prose(r, 50_000), prose(r, 6000), prose(r, 6000), prose(r, 2000)
	const marker = `,"cache_control":{"type":"ephemeral"}`
	old := []byte(a + marker + b + marker + `],"stream":true,"tools":[` + a[:9000] + `]}`)
	body := []byte(a + b + marker + c + marker + d + `],"stream":true,"tools":[` + a[:9000] + `]}`)
	fresh := 0
	for _, s := range diff(old, body, endsOf(old, body)) {
		if !s.old {
			fresh += s.len
		}
	}
	if fresh > len(c)+len(d)+200 {
		t.Errorf("%d bytes are new, of %d", fresh, len(c)+len(d))
	}
}

func TestPrefixAndSuffix(t *testing.T) {
	for n := range 70 {
		for at := range n {
			a := bytes.Repeat([]byte{'x'}, n)
			b := slices.Clone(a)
			b[at] = 'y'
			if got := commonPrefix(a, b); got != at {
				t.Fatalf("prefix of %d that differ at %d: %d", n, at, got)
			}
			if got := commonSuffix(a, b); got != n-1-at {
				t.Fatalf("suffix of %d that differ at %d: %d", n, at, got)
			}
		}
	}
	long := bytes.Repeat([]byte("0123456789"), 5000)
	if p, s := commonPrefix(long, long[:49_999]), commonSuffix(long, long[1:]); p != 49_999 || s != 49_999 {
		t.Errorf("%d, %d", p, s)
	}
}

// Pieces are cut by content: after an insertion the same ones come again.
func TestCut(t *testing.T) {
	pieces := func(data []byte) map[string]bool {
		found := map[string]bool{}
		for len(data) > 0 {
			n := cut(data)
			if n < 1 || n > maxPiece || n < minPiece && n != len(data) {
				t.Fatalf("a piece of %d", n)
			}
			found[string(data[:n])] = true
			data = data[n:]
		}
		return found
	}
	data := []byte(prose(newRand(8), 1<<20))
	before := pieces(data)
	if n := len(before); n < 70 || n > 180 {
		t.Errorf("%d pieces of 1 MiB", n)
	}
	missing := 0
	for p := range pieces(slices.Insert(slices.Clone(data), 300_000, []byte("something new")...)) {
		if !before[p] {
			missing++
		}
	}
	if missing == 0 || missing > 3 {
		t.Errorf("%d pieces are new after an insertion", missing)
	}
}

func TestRecipe(t *testing.T) {
	r := &recipe{}
	r.add(ingredient{1, 0, 100})
	r.add(ingredient{1, 100, 50}) // goes on
	r.add(ingredient{2, 10, 30})
	if len(r.parts) != 2 || r.parts[0].len != 150 {
		t.Fatalf("%v", r.parts)
	}
	made := &recipe{}
	if !made.addRange(r, 120, 40) || !slices.Equal(made.parts, []ingredient{{1, 120, 30}, {2, 10, 10}}) {
		t.Errorf("%v", made.parts)
	}
	if made.addRange(r, 170, 20) {
		t.Error("there is more than there is")
	}
	if got := r.whole(180); got != r {
		t.Error("a whole recipe is not")
	}
	if got := r.whole(181); len(got.parts) != 0 {
		t.Error("a recipe that lacks a byte is whole")
	}
	c := newRecipes(5)
	for _, id := range []string{"a", "b", "c"} {
		c.put(id, r)
	}
	if c.get("a") != nil || c.get("b") == nil || c.get("c") == nil || c.size != 4 {
		t.Errorf("size %d", c.size)
	}
}

func TestBases(t *testing.T) {
	b := newBases(100)
	get := func(conversation uint64) *base {
		return b.get(conversation, make([]byte, 30)).base
	}
	b.put(&base{conversation: 1, id: "a", data: make([]byte, 20)}, nil)
	b.put(&base{conversation: 2, id: "big", data: make([]byte, 50)}, nil) // more than its share
	if get(2) != nil {
		t.Error("too large a request is kept")
	}
	if x := get(1); x == nil || x.id != "a" {
		t.Fatalf("%v", x)
	}
	if b.forget("a") {
		t.Error("a request was forgotten that a record refers to")
	}
	if get(1) != nil {
		t.Error("a forgotten request is given")
	}
	b.unref("a")
	if !b.forget("a") || len(b.refs) != 0 {
		t.Error("what nothing refers to is not forgotten")
	}
	for n := range 10 {
		b.put(&base{conversation: uint64(n), id: string(rune('a' + n)), data: make([]byte, 25)}, nil)
	}
	if b.size != 100 || len(b.byID) != 4 || len(b.byKey) != 4 || get(5) != nil || get(6) == nil {
		t.Errorf("size %d, %v", b.size, b.byID)
	}
	b.put(&base{conversation: 6, id: "next", data: make([]byte, 5)}, get(6))
	if x := get(6); x.id != "next" || b.size != 80 {
		t.Errorf("%v, size %d", x, b.size)
	}
}

// Talks that begin alike are told apart, and each has its last request.
func TestTalks(t *testing.T) {
	r := newRand(8)
	b := newBases(1 << 20)
	head := prose(r, 2000)
	var talks []string
	say := func(k int, words string) (continues bool) {
		talks[k] += words
		data := []byte(talks[k] + "]}")
		old := b.get(1, data)
		continues = old.continues()
		if !continues {
			old.base = nil
		}
		b.put(&base{conversation: 1, id: fmt.Sprintf("%d of %d", len(talks[k]), k), data: data}, old.base)
		return continues
	}
	for k := range maxTalks {
		talks = append(talks, head)
		if say(k, prose(r, 5000)) {
			t.Errorf("talk %d goes on before it began", k)
		}
	}
	for turn := range 3 {
		for k := range talks {
			id := fmt.Sprintf("%d of %d", len(talks[k]), k)
			if old := b.get(1, []byte(talks[k]+"new")); old.base == nil || old.id != id || !old.continues() {
				t.Errorf("turn %d of talk %d: found %v, want %s", turn, k, old, id)
			}
			say(k, prose(r, 500))
		}
	}
	if n := len(b.byKey[1]); n != maxTalks || len(b.byID) != maxTalks || b.order.Len() != maxTalks {
		t.Errorf("%d talks are kept", n)
	}
	talks = append(talks, head)
	say(maxTalks, prose(r, 5000))
	if n := len(b.byKey[1]); n != maxTalks {
		t.Errorf("%d talks are kept of one more", n)
	}
	for id := range b.byID {
		b.remove(id)
	}
	if b.size != 0 || len(b.byKey) != 0 || b.order.Len() != 0 {
		t.Errorf("%d bytes are left of nothing", b.size)
	}
}

func TestStretches(t *testing.T) {
	r := newRand(6)
	for _, data := range [][]byte{
		nil, []byte("x"), []byte(prose(r, 3*largeText+5)),
		[]byte(`{"a":"` + string(bytes.Repeat([]byte{'i'}, longString)) + `","b":"` + string(bytes.Repeat([]byte{'j'}, 9*largeText)) + `"}`),
	} {
		var all []byte
		for part, isLarge := range stretches(data) {
			if len(part) == 0 || !isLarge && len(part) > largeText || isLarge && len(part) < longString && len(part) != 9*largeText%(4*largeText) {
				t.Errorf("a part of %d, large %v", len(part), isLarge)
			}
			all = append(all, part...)
		}
		if !bytes.Equal(all, data) {
			t.Errorf("%d bytes, want %d", len(all), len(data))
		}
	}
}

// A record of an entry allocates hardly anything: its frame takes memory that was
// used before.
func TestFinishAllocates(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := entry("allocations")
	enc := &encoder{}
	var buf []byte
	got := testing.AllocsPerRun(200, func() {
		buf = appendEntry(buf[:0], e, likeness{}, enc)
	})

	if got > 2 {
		t.Errorf("an entry takes %v allocations to encode", got)
	}
	turns := session(2, 200<<10, 210<<10)
	old := likeness{&base{id: "x", data: turns[0]}, endsOf(turns[0], turns[1])}
	e.Request = record.Body{Data: turns[1]}
	got = testing.AllocsPerRun(50, func() {
		buf = appendEntry(buf[:0], e, old, enc)
	})

	if got > 4 {
		t.Errorf("a turn takes %v allocations to encode", got)
	}
	finish(t, s, e)
}
