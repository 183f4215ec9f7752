package simulate

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// dialect says how a server's chat completions differ from OpenAI's. Each
// difference was seen in captured traffic or stands in the server's documents.
type dialect struct {
	id    func(*answer) string
	usage func(Usage) object
	extra []any // members after the model

	reasoning     string // the member that shows reasoning; empty where none does
	done          bool   // data: [DONE] ends the stream
	wholeCalls    bool   // a call comes in one delta
	wholeIndex    bool   // calls of whole answers carry an index
	roleWithFirst bool   // the role comes with the first content, not before it
	roleAlways    bool   // every delta has the role
	nullFinish    bool   // "finish_reason": null before the last
	nullUsage     bool   // "usage": null before the last, where usage was asked for
	usageInFinish bool   // usage comes with the finish reason, asked for or not
	logprobs      bool   // "logprobs": null
	stopReason    bool   // "stop_reason": null
	refusal       bool   // has refusals and annotations
	emptyContent  bool   // content is "" beside calls, not null
	obfuscate     bool   // pads chunks
	timeInfo      bool
	indent        bool
}

var dialects = map[string]dialect{
	OpenAI: {
		id:    func(a *answer) string { return a.id("chatcmpl-", 29, "id") },
		usage: openaiUsage,
		extra: []any{"service_tier", "default", "system_fingerprint", "fp_simulated0"},
		done:  true, nullFinish: true, nullUsage: true, logprobs: true, refusal: true,
		obfuscate: true, indent: true,
	},
	XAI: {
		id:        func(a *answer) string { return a.uuid("id") },
		usage:     xaiUsage,
		extra:     []any{"system_fingerprint", "fp_simulated0"},
		reasoning: "reasoning_content", done: true, wholeCalls: true, roleWithFirst: true, emptyContent: true,
	},
	Cerebras: {
		id: func(a *answer) string { return "chatcmpl-" + a.uuid("id") },
		usage: func(u Usage) object {
			return plainUsage(u).with("prompt_tokens_details", object{"cached_tokens", u.CacheRead})
		},
		extra:     []any{"system_fingerprint", "fp_simulated0"},
		reasoning: "reasoning", wholeCalls: true, usageInFinish: true, timeInfo: true,
	},
	VLLM: {
		id:        func(a *answer) string { return "chatcmpl-" + a.hex("id")[:32] },
		usage:     plainUsage,
		reasoning: "reasoning", done: true, nullFinish: true, logprobs: true, stopReason: true,
	},
	Ollama: {
		id:        func(a *answer) string { return "chatcmpl-" + a.digits(3, "id") },
		usage:     plainUsage,
		extra:     []any{"system_fingerprint", "fp_ollama"},
		reasoning: "reasoning", done: true, wholeCalls: true, wholeIndex: true, roleAlways: true,
		nullFinish: true, emptyContent: true,
	},
}

// dialectOf returns a provider's dialect; any other provider speaks OpenAI's.
func dialectOf(provider string) dialect {
	if d, ok := dialects[provider]; ok {
		return d
	}
	return dialects[OpenAI]
}

func plainUsage(u Usage) object {
	return object{"prompt_tokens", u.Input, "completion_tokens", u.Output, "total_tokens", u.Input + u.Output}
}

func openaiUsage(u Usage) object {
	return plainUsage(u).with(
		"prompt_tokens_details", object{"cached_tokens", u.CacheRead, "audio_tokens", 0},
		"completion_tokens_details", completionDetails(u),
	)
}

// xaiUsage: x.ai's completion tokens leave the reasoning tokens out, its total
// has them.
func xaiUsage(u Usage) object {
	return object{
		"prompt_tokens", u.Input, "completion_tokens", u.Output - u.Reasoning, "total_tokens", u.Input + u.Output,
		"prompt_tokens_details", object{"text_tokens", u.Input, "audio_tokens", 0, "image_tokens", 0, "cached_tokens", u.CacheRead},
		"completion_tokens_details", completionDetails(u),
		"num_sources_used", 0,
	}
}

func completionDetails(u Usage) object {
	return object{
		"reasoning_tokens", u.Reasoning, "audio_tokens", 0,
		"accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0,
	}
}

func timeInfo(a *answer) object {
	return object{
		"queue_time", 0.0001, "prompt_time", 0.002, "completion_time", 0.01,
		"total_time", 0.0125, "created", a.created.Unix(),
	}
}

// compact takes the white space out of a JSON text.
func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// discard returns headers that nobody reads, for an error within a stream.
func discard() http.Header { return http.Header{} }
