package provider

import (
	"context"
	"errors"
	"sync"
	"time"
)

// token is an access token.
type token struct {
	value        string
	expiry       time.Time // zero: it does not say
	quotaProject string
}

// Bounds of a token's life.
const (
	tokenMargin   = time.Minute      // it is renewed that long before it expires,
	tokenPart     = 4                // or in the last quarter of a short life
	tokenTimeout  = 20 * time.Second // one refresh
	tokenPatience = 5 * time.Second  // between two tries while the old token still holds
)

// tokens keeps one token fresh. However many ask at once, one refresh runs; it
// belongs to no request, so that a client which goes away does not take it from
// the others.
type tokens struct {
	fetch func(context.Context) (token, error)

	mu      sync.Mutex
	current token
	renew   time.Time // when to look for the next token
	flight  *flight   // the refresh that runs, or nil
}

type flight struct {
	done  chan struct{}
	token token
	err   error
}

// get returns a token that holds. It waits for a refresh only where there is none.
func (t *tokens) get(ctx context.Context) (token, error) {
	t.mu.Lock()
	now := time.Now()
	holds := t.current.value != "" && (t.current.expiry.IsZero() || now.Before(t.current.expiry))
	if holds && now.Before(t.renew) {
		defer t.mu.Unlock()
		return t.current, nil
	}
	f := t.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		t.flight = f
		go t.run(f)
	}
	current := t.current
	t.mu.Unlock()
	if holds {
		return current, nil
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
}

func (t *tokens) run(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), tokenTimeout)
	defer cancel()
	got := make(chan struct{})
	var (
		tok token
		err error
	)
	go func() { // Google's library does not heed the context everywhere
		defer close(got)
		tok, err = t.fetch(ctx)
	}()
	select {
	case <-got:
		f.token, f.err = tok, err
	case <-ctx.Done():
		f.err = errors.New("the token endpoint did not answer within " + tokenTimeout.String())
	}
	now := time.Now()
	t.mu.Lock()
	if t.flight == f { // not dropped meanwhile
		t.flight = nil
		if f.err == nil {
			t.current, t.renew = f.token, renewal(now, f.token.expiry)
		} else {
			t.renew = now.Add(tokenPatience)
		}
	}
	t.mu.Unlock()
	close(f.done)
}

func renewal(now, expiry time.Time) time.Time {
	if expiry.IsZero() {
		return now.Add(tokenMargin)
	}
	return expiry.Add(-min(tokenMargin, expiry.Sub(now)/tokenPart))
}

// drop forgets a token that an upstream refused, unless a newer one is there.
func (t *tokens) drop(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.value == value {
		t.current, t.renew = token{}, time.Time{}
	}
}
