package simulate

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// object is a JSON object that keeps the order of its members: name, value,
// name, value. Providers' objects have an order, and scanners may lean on it.
type object []any

// with returns o with more members.
func (o object) with(members ...any) object {
	return append(append(make(object, 0, len(o)+len(members)), o...), members...)
}

// array is a JSON array.
type array []any

// encode writes v as compact JSON, without HTML escapes.
func encode(v any) []byte { return appendValue(nil, v) }

// indented writes v with two spaces a level, as OpenAI and Google do.
func indented(v any) []byte {
	var b bytes.Buffer
	if json.Indent(&b, encode(v), "", "  ") != nil {
		return encode(v) // a script's own broken JSON goes out as it is
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case json.RawMessage:
		if len(v) == 0 {
			return append(dst, "null"...)
		}
		return append(dst, v...)
	case object:
		dst = append(dst, '{')
		for i := 0; i+1 < len(v); i += 2 {
			if i > 0 {
				dst = append(dst, ',')
			}
			name, _ := v[i].(string)
			dst = append(appendString(dst, name), ':')
			dst = appendValue(dst, v[i+1])
		}
		return append(dst, '}')
	case array:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, e)
		}
		return append(dst, ']')
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return append(dst, "null"...)
		}
		return append(dst, b...)
	}
}

const hexDigits = "0123456789abcdef"

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// rawOr returns m, or fallback where m is absent.
func rawOr(m json.RawMessage, fallback any) any {
	if len(m) == 0 {
		return fallback
	}
	return m
}
