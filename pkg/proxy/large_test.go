package proxy_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// repeated is a body that costs no memory.
type repeated struct {
	left int64
	text string
	pos  int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && r.left > 0 {
		k := copy(p[n:min(int64(len(p)), int64(n)+r.left)], r.text[r.pos:])
		r.pos = (r.pos + k) % len(r.text)
		n += k
		r.left -= int64(k)
	}
	return n, nil
}

func TestEightBodiesOfAHundredMegabytesStayWithinBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("large bodies are left out of a short run")
	}
	const size, at = 100 << 20, 8
	text := "an upload that is not held in memory; "
	want := sha256.New()
	_, _ = io.Copy(want, &repeated{left: size, text: text})
	sum := fmt.Sprintf("%x", want.Sum(nil))
	spool := t.TempDir()
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		n, _ := io.Copy(h, r.Body)
		fmt.Fprintf(w, `{"sum":"%x","n":%d}`, h.Sum(nil), n)
	}, func(o *proxy.Options) { o.SpoolDir = spool })
	c := client(t)
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			case <-stop:
				tick.Stop()
				peak <- most
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range at {
		wg.Go(func() {
			req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/files", &repeated{left: size, text: text})
			if err != nil {
				t.Error(err)
				return
			}
			if i%2 == 0 {
				req.ContentLength = size
			}
			req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			res, err := c.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			got, _ := io.ReadAll(res.Body)
			if string(got) != fmt.Sprintf(`{"sum":"%s","n":%d}`, sum, size) {
				t.Errorf("the provider got other bytes: %d %.200s", res.StatusCode, got)
			}
		})
	}
	wg.Wait()
	close(stop)
	if most := <-peak; most > 400<<20 {
		t.Errorf("%d MB of heap for %d MB of bodies", most>>20, at*size>>20)
	} else {
		t.Logf("at most %d MB of heap", most>>20)
	}
	sink.last(t, at)
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("spooled bodies are left: %v %v", left, err)
	}
}

func TestABodyOverTheLimit(t *testing.T) {
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("it reached the provider") }, func(o *proxy.Options) { o.MaxBody = 1 << 20 })
	for n, declared := range []int64{2 << 20, -1} {
		req, err := http.NewRequest(http.MethodPost, base+"/v1/anthropic/p/v1/messages", &repeated{left: 2 << 20, text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = declared
		res, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("declared %d: %d %s", declared, res.StatusCode, got)
		}
		if i := sink.last(t, n+1).Interaction; i.State != "refused" || i.Error.Code != "request_too_large" {
			t.Errorf("recorded as %s, %+v", i.State, i.Error)
		}
	}
}
