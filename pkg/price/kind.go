package price

import (
	"math/bits"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Kind is what a rate is for. Tokens of one kind are not tokens of another: the
// kinds are disjoint, so that their costs add up.
type Kind uint8

// The kinds. Up to KindVideoOutput they count tokens, then calls.
const (
	KindInput Kind = iota
	KindCacheRead
	KindCacheWrite   // written for five minutes, or for a time that the provider does not state
	KindCacheWrite1h // written for one hour
	KindAudioInput
	KindAudioCacheRead
	KindImageInput
	KindImageCacheRead
	KindVideoInput
	KindOutput
	KindReasoning
	KindAudioOutput
	KindImageOutput
	KindVideoOutput
	KindWebSearch
	KindXSearch
	KindCodeExecution
	KindFileSearch
	kinds
)

var kindNames = [kinds]string{
	"input", "cache_read", "cache_write", "cache_write_1h",
	"audio_input", "audio_cache_read", "image_input", "image_cache_read", "video_input",
	"output", "reasoning", "audio_output", "image_output", "video_output",
	"web_search", "x_search", "code_execution", "file_search",
}

// String returns the name that the table and the overrides use.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown"
}

// Calls tells that the kind counts calls and not tokens.
func (k Kind) Calls() bool { return k >= KindWebSearch }

func kindOf(name []byte) (Kind, bool) {
	for k, n := range kindNames {
		if string(name) == n {
			return Kind(k), true
		}
	}
	return 0, false
}

// rates holds a rate for some of the kinds, in pico-dollars for one token or
// one call.
type rates struct {
	set uint32 // one bit a kind
	of  [kinds]llm.Decimal
}

func (r *rates) put(k Kind, v llm.Decimal) { r.set |= 1 << k; r.of[k] = v }

// merge takes over what over has.
func (r *rates) merge(over *rates) {
	for set := over.set; set != 0; set &= set - 1 {
		k := Kind(bits.TrailingZeros32(set))
		r.put(k, over.of[k])
	}
}

// find returns the rate of a kind, or of the kind that stands in for it where a
// provider publishes no own price: cached input is then dear as input, audio as
// text, reasoning as output.
func (r *rates) find(k Kind) (llm.Decimal, bool) {
	for {
		if r.set&(1<<k) != 0 {
			return r.of[k], true
		}
		switch k {
		case KindCacheRead, KindCacheWrite, KindAudioInput, KindImageInput, KindVideoInput:
			k = KindInput
		case KindCacheWrite1h:
			k = KindCacheWrite
		case KindAudioCacheRead:
			k = r.own(KindAudioInput, KindCacheRead)
		case KindImageCacheRead:
			k = r.own(KindImageInput, KindCacheRead)
		case KindReasoning, KindAudioOutput, KindImageOutput, KindVideoOutput:
			k = KindOutput
		default:
			return 0, false
		}
	}
}

// own returns k if it has a rate of its own, else other.
func (r *rates) own(k, other Kind) Kind {
	if r.set&(1<<k) != 0 {
		return k
	}
	return other
}
