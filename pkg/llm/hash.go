package llm

import "hash/maphash"

// seed makes the hashes of one process differ from those of any other, so that
// nobody can prepare two contents that are taken for the same.
var seed = maphash.MakeSeed()

// SumBytes hashes bytes as they stand, as Message.Sum does what they say.
func SumBytes(b []byte) uint64 {
	if n := maphash.Bytes(seed, b); n != 0 {
		return n
	}
	return 1
}

// Sum hashes the message's content: its role and its parts, not where they stand.
// It is another one in each process, and never 0.
func (m *Message) Sum() uint64 {
	if m.Hash != 0 {
		return m.Hash
	}
	var h maphash.Hash
	h.SetSeed(seed)
	writeText(&h, string(m.Role))
	for i := range m.Parts {
		m.Parts[i].write(&h)
	}
	return sum(&h)
}

// SumParts hashes parts that stand outside the messages.
func SumParts(parts []Part) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for i := range parts {
		parts[i].write(&h)
	}
	return sum(&h)
}

// Sum hashes the tool's name, description and parameters, as Message.Sum does.
func (t *Tool) Sum() uint64 {
	if t.Hash != 0 {
		return t.Hash
	}
	var h maphash.Hash
	h.SetSeed(seed)
	writeText(&h, t.Name)
	writeText(&h, t.Description)
	writeBytes(&h, t.Parameters)
	return sum(&h)
}

func (p *Part) write(h *maphash.Hash) {
	for _, s := range [...]string{string(p.Kind), p.Name, p.CallID, p.Text} {
		writeText(h, s)
	}
	writeBytes(h, p.Arguments)
}

// writeText writes the length before the text, so that no two rows of texts are
// written alike.
func writeText(h *maphash.Hash, s string) {
	writeLen(h, len(s))
	h.WriteString(s)
}

func writeBytes(h *maphash.Hash, b []byte) {
	writeLen(h, len(b))
	h.Write(b)
}

func writeLen(h *maphash.Hash, n int) {
	for ; n >= 0x80; n >>= 7 {
		h.WriteByte(byte(n) | 0x80)
	}
	h.WriteByte(byte(n))
}

func sum(h *maphash.Hash) uint64 {
	if n := h.Sum64(); n != 0 {
		return n
	}
	return 1
}
