package printable

import "unicode"

// Tag characters (Unicode 16, section 23.9) mirror ASCII and have no glyph.
const (
	firstTag = 0xE0000
	lastTag  = 0xE007F
)

func isTag(r rune) bool { return r >= firstTag && r <= lastTag }

// The variation selectors (Unicode 16, section 23.4). Numbers 15 and 16 choose
// the text and the emoji form of a symbol.
const (
	textForm  = 0xFE0E
	emojiForm = 0xFE0F
)

func isSelector(r rune) bool {
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF
}

// selectorByte returns the byte that a variation selector stands for in the
// usual way of hiding data: the first for 0, the 256th for 255.
func selectorByte(r rune) byte {
	if r <= 0xFE0F {
		return byte(r - 0xFE00)
	}
	return byte(r - 0xE0100 + 16)
}

// hasForms reports whether base may be a symbol with a text and an emoji form.
// Digits have them only before a keycap.
func hasForms(base, next rune) bool {
	const keycap = 0x20E3
	if base == '#' || base == '*' || base >= '0' && base <= '9' {
		return next == keycap
	}
	switch base {
	case '©', '®', '‼', '⁉', '〰', '〽':
		return true
	}
	return base > 0x2000 && unicode.In(base, unicode.So, unicode.Sm)
}

// invisible reports whether r has no glyph of its own, or steers how others are
// laid out: controls, formats, separators, surrogates, private use, unassigned,
// whatever Unicode says to ignore where it is not supported, and letters and
// symbols that are drawn as nothing.
func invisible(r rune) bool {
	switch r {
	case 0x034F, // combining grapheme joiner
		0x115F, 0x1160, 0x3164, 0xFFA0, // Hangul fillers
		0x17B4, 0x17B5, // Khmer inherent vowels
		0x2800,           // Braille pattern blank
		0x13441, 0x13442, // Egyptian hieroglyph blanks
		0x1D159: // musical symbol null notehead
		return true
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isJamoTail reports whether r is a Hangul vowel or final consonant that
// combines with what stands before it and takes no cell of its own.
func isJamoTail(r rune) bool {
	return r >= 0x1160 && r <= 0x11FF || r >= 0xD7B0 && r <= 0xD7FF
}
