package payload

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Image yields questions about a picture of size bytes (of the body; base64 is
// a third of it longer than the picture). Every picture is another one.
func Image(size int, seed uint64) Source {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	r := rand.NewChaCha8(key)
	picture := make([]byte, size/4*3)
	return func() Request {
		_, _ = r.Read(picture) // never fails
		body := make([]byte, 0, size+1024)
		body = fmt.Appendf(body, `{"model":%q,"messages":[{"role":"user","content":[{"type":"text","text":"What is in this picture?"},`+
			`{"type":"image_url","image_url":{"url":"data:image/png;base64,`, ModelChat)
		body = base64.StdEncoding.AppendEncode(body, picture)
		body = append(body, `"}}]}]}`...)
		return Request{Format: Chat, Body: [][]byte{body}, Answer: answers[answerKey{ModelChat, Chat}]}
	}
}
