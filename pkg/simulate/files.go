package simulate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// fileStore keeps uploaded files, OpenAI's Files API.
type fileStore struct {
	mu    sync.Mutex
	files map[string]storedFile
	order []string
}

type storedFile struct {
	about   object
	content []byte // the first Options.KeepBody bytes
}

// upload reads a multipart form as it arrives, so that a large file is never in
// memory, and answers what the file was: its size, and its hash in the id.
func (x *exchange) upload() {
	tap := newBodyTap(x.r.Body, x.s.o.KeepBody)
	x.r.Body = io.NopCloser(tap)
	if p, ok := x.unauthorized(); ok {
		tap.note(x.e)
		x.fail(p)
		return
	}
	f, err := readForm(x.r, x.s.o.KeepBody)
	// Before the answer: who has it may look into the journal at once.
	tap.note(x.e)
	x.left = tap.err != nil
	if err != nil {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: err.Error()}})
		return
	}
	about := object{
		"id", "file-" + f.sha256[:22], "object", "file", "bytes", f.size, "created_at", x.s.now().Unix(),
		"filename", f.name, "purpose", f.purpose, "status", "processed", "sha256", f.sha256,
	}
	x.s.files.put("file-"+f.sha256[:22], storedFile{about: about, content: f.content})
	x.json(http.StatusOK, indented(about))
}

type formFile struct {
	name, purpose, sha256 string
	size                  int64
	content               []byte
}

func readForm(r *http.Request, keep int) (formFile, error) {
	var f formFile
	form, err := r.MultipartReader()
	if err != nil {
		return f, err
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, err
		}
		switch part.FormName() {
		case "purpose":
			b, err := io.ReadAll(io.LimitReader(part, 1<<10))
			if err != nil {
				return f, err
			}
			f.purpose = string(b)
		case "file":
			sum := sha256.New()
			var kept bytes.Buffer
			head, err := io.CopyN(io.MultiWriter(sum, &kept), part, int64(keep))
			if err != nil && !errors.Is(err, io.EOF) {
				return f, err
			}
			rest, err := io.Copy(sum, part)
			if err != nil {
				return f, err
			}
			f.name, f.size = part.FileName(), head+rest
			f.sha256, f.content = hex.EncodeToString(sum.Sum(nil)), kept.Bytes()
		}
	}
	if f.sha256 == "" {
		return f, errors.New("'file' is a required property")
	}
	return f, nil
}

func (s *fileStore) put(id string, f storedFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]storedFile{}
	}
	if _, ok := s.files[id]; !ok {
		s.order = append(s.order, id)
	}
	s.files[id] = f
	for len(s.order) > maxKept {
		delete(s.files, s.order[0])
		s.order = s.order[1:]
	}
}

// file answers for files already there.
func (x *exchange) file() {
	s := &x.s.files
	s.mu.Lock()
	id, rest, _ := strings.Cut(x.t.arg, "/")
	f, ok := s.files[id]
	list := array{}
	for _, id := range s.order {
		list = append(list, s.files[id].about)
	}
	s.mu.Unlock()
	switch {
	case id == "":
		x.json(http.StatusOK, indented(object{"object", "list", "data", list, "has_more", false}))
	case !ok:
		x.fail(problem{Failure: Failure{Status: http.StatusNotFound, Message: "No such File object: " + id}})
	case rest == "content":
		x.headers()
		(&delivery{w: x.w, ctx: x.ctx, d: x.d}).whole(http.StatusOK, "application/octet-stream", f.content)
	default:
		x.json(http.StatusOK, indented(f.about))
	}
}
