package secret

import (
	"crypto/sha256"
	"math/big"
)

// card finds the number of a payment card: an issuer's range and length, and
// Luhn's sum (ISO/IEC 7812-1).
func card(text string, i int) (start, end int, ok bool) {
	var buf [20]byte
	n, end, _ := digits(buf[:], text, i, 20, " -")
	if len(n) < 13 || len(n) > 19 || !alone(text, i, end) || !issued(n) || !luhn(n) {
		return 0, 0, false
	}
	return i, end, true
}

func luhn(n []byte) bool {
	sum := 0
	for i := range n {
		d := int(n[len(n)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// issued tells whether an issuer has numbers like this.
func issued(n []byte) bool {
	six := 0
	for _, c := range n[:6] {
		six = six*10 + int(c-'0')
	}
	size := len(n)
	in := func(from, to, digits int) bool {
		p := six
		for range 6 - digits {
			p /= 10
		}
		return p >= from && p <= to
	}
	switch {
	case in(4, 4, 1): // Visa
		return size == 13 || size == 16 || size == 19
	case in(51, 55, 2), in(2221, 2720, 4): // Mastercard
		return size == 16
	case in(34, 34, 2), in(37, 37, 2): // American Express
		return size == 15
	case in(6011, 6011, 4), in(644, 659, 3): // Discover
		return size >= 16
	case in(3528, 3589, 4): // JCB
		return size >= 16
	case in(300, 305, 3), in(36, 36, 2), in(38, 39, 2): // Diners Club
		return size == 14 || size == 16
	case in(62, 62, 2), in(81, 81, 2): // UnionPay
		return size >= 16
	case in(2200, 2204, 4): // Mir
		return size >= 16
	}
	return false
}

// ibanLength is how long account numbers are, by country (ISO 13616, registry).
var ibanLength = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
	"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
	"ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
	"HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
	"LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
	"MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
	"PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
	"SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
	"YE": 30,
}

// iban finds an account number: a country's length, and the check of ISO 7064
// (mod 97). Groups may stand apart by single spaces or hyphens.
func iban(text string, i int) (start, end int, ok bool) {
	if len(text)-i < 15 || !isOneOf(text[i+1], upperCase) || !isDigit(text[i+2]) || !isDigit(text[i+3]) {
		return 0, 0, false
	}
	size := ibanLength[text[i:i+2]]
	if size == 0 {
		return 0, 0, false
	}
	var buf [34]byte
	n := buf[:0]
	for end = i; end < len(text) && len(n) < size; end++ {
		switch c := text[end]; {
		case isDigit(c) || c >= 'A' && c <= 'Z':
			n = append(n, c)
		case (c == ' ' || c == '-') && isAlnum(byteAt(text, end+1)) && isAlnum(text[end-1]):
		default:
			return 0, 0, false
		}
	}
	if len(n) < size || isWord(byteAt(text, end)) || isWord(byteAt(text, i-1)) {
		return 0, 0, false
	}
	rest := 0
	for k := range n {
		c := n[(k+4)%size]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return i, end, rest == 1
}

// crypto finds addresses of Bitcoin (base58 with its check, bech32 with its
// own) and of Ethereum, which are hexadecimal and carry no check that must be.
func crypto(text string, i int) (start, end int, ok bool) {
	end = i
	for end < len(text) && end-i < 92 && isAlnum(text[end]) {
		end++
	}
	if isWord(byteAt(text, end)) || isWord(byteAt(text, i-1)) {
		return 0, 0, false
	}
	word := text[i:end]
	switch {
	case len(word) == 42 && word[0] == '0' && word[1] == 'x':
		for _, c := range []byte(word[2:]) {
			if !isHex(c) {
				return 0, 0, false
			}
		}
		return i, end, true
	case len(word) >= 25 && len(word) <= 35 && (word[0] == '1' || word[0] == '3'):
		return i, end, base58Check(word)
	case len(word) >= 14 && len(word) <= 74 && lower(word[0]) == 'b' && lower(word[1]) == 'c' && word[2] == '1':
		return i, end, bech32(word)
	}
	return 0, 0, false
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58Check checks the four bytes of a double SHA-256 at an address's end.
func base58Check(word string) bool {
	var n, digit big.Int
	radix := big.NewInt(58)
	for i := range len(word) {
		v := -1
		for k := range len(base58) {
			if base58[k] == word[i] {
				v = k
			}
		}
		if v < 0 {
			return false
		}
		n.Mul(&n, radix).Add(&n, digit.SetInt64(int64(v)))
	}
	if n.BitLen() > 25*8 {
		return false
	}
	var raw [25]byte
	n.FillBytes(raw[:])
	once := sha256.Sum256(raw[:21])
	twice := sha256.Sum256(once[:])
	return [4]byte(raw[21:]) == [4]byte(twice[:4])
}

// bech32 checks an address of the form of BIP 173 or BIP 350.
func bech32(word string) bool {
	const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	sum := uint32(1)
	step := func(v uint32) {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ v
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for _, v := range [...]uint32{'b' >> 5, 'c' >> 5, 0, 'b' & 31, 'c' & 31} {
		step(v)
	}
	for _, c := range []byte(word[3:]) {
		v := -1
		for k := range len(charset) {
			if charset[k] == lower(c) {
				v = k
			}
		}
		if v < 0 {
			return false
		}
		step(uint32(v))
	}
	return sum == 1 || sum == 0x2bc830a3
}
