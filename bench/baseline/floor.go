package baseline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/tidwall/gjson"
	_ "modernc.org/sqlite" // the driver
)

// Tee is told what passes of one answer.
type Tee interface {
	Write(p []byte)
	End(status int)
}

type teeKey struct{}

func withTee(ctx context.Context, t Tee) context.Context { return context.WithValue(ctx, teeKey{}, t) }

// teeBody tells a tee of what is read of a body.
type teeBody struct {
	io.ReadCloser
	tee    Tee
	status int
}

func (b *teeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.tee.Write(p[:n])
	return n, err
}

func (b *teeBody) Close() error {
	b.tee.End(b.status)
	return b.ReadCloser.Close()
}

// Floor is the honest floor of a recording proxy: the least that one must do
// who keeps every exchange. It copies what passes, walks the request's JSON once,
// hashes each message, compresses both bodies and writes rows in batches. It
// judges nothing, recognizes nothing it has seen, and its answers do not wait for
// their rows.
type Floor struct {
	db    *sql.DB
	queue chan *exchange
	wg    sync.WaitGroup
	zstd  *zstd.Encoder
}

type exchange struct {
	floor    *Floor
	started  time.Time
	path     string
	status   int
	request  []byte
	response bytes.Buffer
	once     sync.Once
}

func (x *exchange) Write(p []byte) { x.response.Write(p) }

func (x *exchange) End(status int) {
	x.once.Do(func() { x.status = status; x.floor.queue <- x })
}

// batch is how many rows one transaction takes.
const batch = 64

// OpenFloor makes the database at path.
func OpenFloor(path string) (*Floor, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`CREATE TABLE exchanges (id INTEGER PRIMARY KEY, started INTEGER, ended INTEGER, path TEXT, status INTEGER,
		model TEXT, input INTEGER, output INTEGER, hashes BLOB, request BLOB, response BLOB)`)
	if err != nil {
		return nil, fmt.Errorf("make the table: %w", err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	if err != nil {
		return nil, err
	}
	f := &Floor{db: db, queue: make(chan *exchange, 256), zstd: z}
	f.wg.Go(f.write)
	return f, nil
}

// Record is what Proxy asks for a tee.
func (f *Floor) Record(r *http.Request, body []byte) Tee {
	return &exchange{floor: f, started: time.Now(), path: r.URL.Path, request: body}
}

// Close writes what is queued.
func (f *Floor) Close() error {
	close(f.queue)
	f.wg.Wait()
	return f.db.Close()
}

// write takes what is queued into one transaction after the other.
func (f *Floor) write() {
	for x := range f.queue {
		rows := []*exchange{x}
	more:
		for wait := time.After(5 * time.Millisecond); len(rows) < batch; {
			select {
			case x, ok := <-f.queue:
				if !ok {
					break more
				}
				rows = append(rows, x)
			case <-wait:
				break more
			}
		}
		if err := f.insert(rows); err != nil {
			log.Print("floor: ", err) // the count of rows will show it
		}
	}
}

func (f *Floor) insert(rows []*exchange) error {
	tx, err := f.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing behind a commit
	stmt, err := tx.Prepare(`INSERT INTO exchanges (started, ended, path, status, model, input, output, hashes, request, response) VALUES (?,?,?,?,?,?,?,?,?,?)`)
	if err != nil {
		return err
	}
	for _, x := range rows {
		model, hashes := read(x.request)
		usage := gjson.GetBytes(x.response.Bytes(), "usage")
		if _, err := stmt.Exec(x.started.UnixNano(), time.Now().UnixNano(), x.path, x.status, model,
			usage.Get("prompt_tokens").Int(), usage.Get("completion_tokens").Int(), hashes,
			f.zstd.EncodeAll(x.request, nil), f.zstd.EncodeAll(x.response.Bytes(), nil)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// read walks a request once: its model, and a hash of each message.
func read(body []byte) (model string, hashes []byte) {
	gjson.ParseBytes(body).ForEach(func(name, value gjson.Result) bool {
		switch name.String() {
		case "model":
			model = value.String()
		case "messages":
			value.ForEach(func(_, message gjson.Result) bool {
				sum := sha256.Sum256([]byte(message.Raw))
				hashes = append(hashes, sum[:]...)
				return true
			})
		}
		return true
	})
	return model, hashes
}

// CountRows counts the exchanges of a floor's database.
func CountRows(path string) (n int64, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // only read
	err = db.QueryRow(`SELECT count(*) FROM exchanges`).Scan(&n)
	return n, err
}
