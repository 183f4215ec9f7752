package baseline

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/archestra-ai/archestra-cli/bench/payload"
	"github.com/archestra-ai/archestra-cli/bench/upstream"
)

// TestProxies sends an agent's turn through rp and floor: the bytes stay as they
// are, and floor has a row and hashes each message.
func TestProxies(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() { _ = new(upstream.Upstream).Serve(l) }()
	up := &url.URL{Scheme: "http", Host: l.Addr().String()}
	db := filepath.Join(t.TempDir(), "floor.db")
	floor, err := OpenFloor(db)
	if err != nil {
		t.Fatal(err)
	}
	next := payload.Agent(payload.Chat, payload.Typical, 1)
	for name, h := range map[string]http.Handler{"rp": Proxy(up, nil), "floor": Proxy(up, floor.Record)} {
		s := httptest.NewServer(h)
		r := next()
		res, err := http.Post(s.URL+r.Format.Path(), "application/json", bytes.NewReader(bytes.Join(r.Body, nil)))
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := io.ReadAll(res.Body)
		if err != nil || !bytes.Equal(got, r.Answer.Body) {
			t.Errorf("%s altered the answer: %v\n%s", name, err, got)
		}
		_ = res.Body.Close()
		s.Close()
	}
	if err := floor.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := CountRows(db); n != 1 || err != nil {
		t.Errorf("floor has %d rows: %v", n, err)
	}
	r := next()
	if model, hashes := read(bytes.Join(r.Body, nil)); model != string(payload.ModelAgent) || len(hashes) < payload.Typical.First*32 {
		t.Errorf("floor reads the model %q and %d bytes of hashes", model, len(hashes))
	}
}
