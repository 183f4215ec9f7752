package simulate

import (
	"encoding/json"
	"slices"
	"sync"
)

// maxKept is how many responses, conversations and files are kept; the oldest go.
const maxKept = 1024

// history keeps the Responses API's conversations: by the id of a response, and
// by that of a conversation.
type history struct {
	mu    sync.Mutex
	byID  map[string]kept
	order []string
}

type kept struct {
	messages []Message
	body     []byte // the response, for GET; nil for a conversation
}

// conversation reads the member conversation, an id or an object with one.
func (r *Request) conversation() string {
	if id := r.str("conversation"); id != "" {
		return id
	}
	var o struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(r.body["conversation"], &o) // absent or wrong: none
	return o.ID
}

// load puts the history that a request continues before its messages. It
// reports false where the request names one that is not kept.
func (h *history) load(r *Request) bool {
	if r.Format != Responses {
		return true
	}
	previous, conversation := r.str("previous_response_id"), r.conversation()
	h.mu.Lock()
	defer h.mu.Unlock()
	id := conversation
	if previous != "" {
		id = previous
		if _, ok := h.byID[id]; !ok {
			return false
		}
	}
	if id == "" {
		return true
	}
	now := r.Messages
	r.Messages = slices.Clone(h.byID[id].messages)
	for _, m := range now {
		r.add(m)
	}
	return true
}

// keep stores what a conversation has become, unless the client asked that it
// should not be.
func (h *history) keep(a *answer) {
	r := &a.req
	if r.Format != Responses {
		return
	}
	if _, said := r.body["store"]; said && !r.flag("store") {
		return
	}
	all := Request{Messages: slices.Clone(r.Messages)}
	all.add(a.said())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(responseID(a), kept{messages: all.Messages, body: responsesCodec.whole(a)})
	if c := r.conversation(); c != "" {
		h.put(c, kept{messages: all.Messages})
	}
}

func (h *history) put(id string, k kept) {
	if h.byID == nil {
		h.byID = map[string]kept{}
	}
	if _, ok := h.byID[id]; !ok {
		h.order = append(h.order, id)
	}
	h.byID[id] = k
	for len(h.order) > maxKept {
		delete(h.byID, h.order[0])
		h.order = h.order[1:]
	}
}

// get returns a kept response.
func (h *history) get(id string) ([]byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.byID[id]
	return k.body, ok && k.body != nil
}

// forget deletes a kept response, and reports whether it was there.
func (h *history) forget(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.byID[id]
	if ok {
		delete(h.byID, id)
		h.order = slices.DeleteFunc(h.order, func(o string) bool { return o == id })
	}
	return ok
}
