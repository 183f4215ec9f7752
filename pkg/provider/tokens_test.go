package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// source counts fetches; each takes a while and gives a token of that life.
type source struct {
	n    atomic.Int32
	fail atomic.Bool
	life time.Duration
	slow time.Duration
}

func (s *source) fetch(context.Context) (token, error) {
	n := s.n.Add(1)
	time.Sleep(s.slow)
	if s.fail.Load() {
		return token{}, errors.New("refused")
	}
	return token{value: fmt.Sprint("t", n), expiry: time.Now().Add(s.life)}, nil
}

func TestOneRefreshForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, slow: time.Second}
		ts := &tokens{fetch: s.fetch}
		ask := func(want string) {
			t.Helper()
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if tok, err := ts.get(t.Context()); err != nil || tok.value != want {
						t.Errorf("%q, %v; want %q", tok.value, err, want)
					}
				})
			}
			wg.Wait()
		}
		ask("t1")
		ask("t1")
		time.Sleep(time.Hour) // expired: all wait for the one new token
		ask("t2")
		if n := s.n.Load(); n != 2 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// TestRenewalBeforeExpiry: near its end a token is still given at once, while
// the next one is fetched.
func TestRenewalBeforeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		ts := &tokens{fetch: s.fetch}
		get := func(want string) {
			t.Helper()
			start := time.Now()
			if tok, err := ts.get(t.Context()); err != nil || tok.value != want || time.Since(start) > 0 {
				t.Errorf("%q after %s, %v; want %q at once", tok.value, time.Since(start), err, want)
			}
			synctest.Wait()
		}
		get("t1")
		time.Sleep(time.Hour - tokenMargin - time.Second)
		get("t1")
		if s.n.Load() != 1 {
			t.Error("renewed too early")
		}
		s.slow = time.Second
		time.Sleep(2 * time.Second)
		get("t1") // starts the renewal
		time.Sleep(2 * time.Second)
		get("t2")
	})
}

// TestFailingRenewal: while the old token holds, a failing endpoint costs nobody
// anything and is not asked by every request; after that the error shows.
func TestFailingRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		ts := &tokens{fetch: s.fetch}
		if _, err := ts.get(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.fail.Store(true)
		time.Sleep(time.Hour - 30*time.Second)
		for range 100 {
			if tok, err := ts.get(t.Context()); err != nil || tok.value != "t1" {
				t.Fatalf("%q, %v", tok.value, err)
			}
			synctest.Wait()
		}
		if n := s.n.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(time.Minute)
		if _, err := ts.get(t.Context()); err == nil {
			t.Error("an expired token was given")
		}
		s.fail.Store(false)
		if tok, err := ts.get(t.Context()); err != nil || tok.value == "t1" {
			t.Errorf("after the endpoint came back: %q, %v", tok.value, err)
		}
	})
}

// TestRefreshBelongsToNoRequest: the first to ask goes away, and the others get
// their token all the same.
func TestRefreshBelongsToNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, slow: 3 * time.Second}
		ts := &tokens{fetch: s.fetch}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := ts.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the one that went away: %v", err)
			}
		})
		wg.Go(func() {
			if tok, err := ts.get(t.Context()); err != nil || tok.value != "t1" {
				t.Errorf("the other: %q, %v", tok.value, err)
			}
		})
		wg.Wait()
	})
}

func TestRefreshIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ts := &tokens{fetch: func(context.Context) (token, error) { <-release; return token{}, errors.New("late") }}
		start := time.Now()
		if _, err := ts.get(t.Context()); err == nil || time.Since(start) != tokenTimeout {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		close(release)
	})
}

func TestDrop(t *testing.T) {
	s := &source{life: time.Hour}
	ts := &tokens{fetch: s.fetch}
	first, _ := ts.get(t.Context())
	ts.drop("something else")
	if tok, _ := ts.get(t.Context()); tok.value != first.value {
		t.Errorf("dropped by another value: %q", tok.value)
	}
	ts.drop(first.value)
	if tok, err := ts.get(t.Context()); err != nil || tok.value == first.value {
		t.Errorf("%q, %v", tok.value, err)
	}
}

func TestShortLife(t *testing.T) {
	now := time.Now()
	for life, early := range map[time.Duration]time.Duration{time.Hour: tokenMargin, 40 * time.Second: 10 * time.Second} {
		if got := now.Add(life).Sub(renewal(now, now.Add(life))); got != early {
			t.Errorf("a life of %s: renewed %s before its end", life, got)
		}
	}
}
