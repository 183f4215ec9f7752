package proxy

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// TestALateHeaderBesideTrailers: the header leaves while who reads the body learns of
// the trailers (for the race detector).
func TestALateHeaderBesideTrailers(t *testing.T) {
	for range 50 {
		w := httptest.NewRecorder()
		o := newOutlet(w, &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: http.NoBody, Trailer: http.Header{"X-Sum": nil}})
		var both sync.WaitGroup
		both.Go(o.header)
		both.Go(func() { o.res.Trailer["X-Sum"], o.res.Trailer["X-More"] = []string{"1"}, []string{"2"} })
		both.Wait()
		if got := w.Header()["Trailer"]; len(got) != 1 || got[0] != "X-Sum" {
			t.Fatalf("announced %q", got)
		}
	}
}
