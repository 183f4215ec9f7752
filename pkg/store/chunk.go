package store

// Sizes of the pieces into which new text is cut. Smaller pieces find more
// repetition and cost more rows.
const (
	minPiece = 2 << 10
	maxPiece = 32 << 10
	// A cut is made where the hash has these bits clear: once in 8 KiB.
	cutMask = (1<<13 - 1) << 40
)

// gear gives each byte a random number. The numbers must never change, or old
// and new pieces would no longer meet; they come from splitmix64 (Steele, Lea
// and Flood, "Fast splittable pseudorandom number generators", 2014).
var gear = func() (table [256]uint64) {
	x := uint64(0)
	for i := range table {
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		table[i] = z ^ z>>31
	}
	return table
}()

// cut returns the length of data's first piece. The place depends on the bytes
// before it alone (a gear hash, as in Xia et al., "FastCDC", 2016), so that text
// which was moved is cut as it was before.
func cut(data []byte) int {
	if len(data) <= minPiece {
		return len(data)
	}
	end := min(len(data), maxPiece)
	var h uint64
	// 64 shifts drive a byte out of the hash, so that it needs no earlier start.
	for i := minPiece - 64; i < end; i++ {
		h = h<<1 + gear[data[i]]
		if i >= minPiece && h&cutMask == 0 {
			return i + 1
		}
	}
	return end
}
