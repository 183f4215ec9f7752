package wire

// ReadPieces is Read for a body of any length; ok tells whether the body was read
// by its pieces.
func (h *History) ReadPieces(f Pieced, body []byte) (r Reading, ok bool) {
	w := h.walks.Get().(*walk)
	defer func() { w.reset(); h.walks.Put(w) }()
	ok = w.read(h, f, body, &r)
	return r, ok
}

// Held tells how many bytes the history counts, how many pieces it has, and how
// many stand in its order.
func (h *History) Held() (bytes, pieces, ordered int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := h.order.older; p != &h.order; p = p.older {
		ordered++
	}
	return h.used, len(h.pieces), ordered
}
