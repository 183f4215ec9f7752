package price

import (
	"math"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// counts are the tokens and calls of one usage object, by disjoint kind.
type counts struct {
	of [kinds]int64
}

// details are what the provider's own usage object says beyond the normal form.
type details struct {
	cacheRead, cacheWrite, write1h    int64
	audioIn, audioCached, audioOut    int64
	imageIn, imageCached, imageOut    int64
	videoIn, videoCached, videoOut    int64
	search, xSearch, code, fileSearch int64
	fast, us                          bool
	tier                              string // as the usage object states it
	cost                              llm.Decimal
	hasCost, byok                     bool
	upstreamCost                      llm.Decimal
	hasIterations                     bool
}

// read reads a usage object of any provider. Each member is named by one
// provider's documents only, so that one reader serves all:
// OpenAI chat and responses (*_tokens_details), its realtime API
// (*_token_details), Anthropic (cache_creation, server_tool_use, speed,
// inference_geo, iterations), Gemini (*TokensDetails by modality, trafficType),
// xAI (cost_in_usd_ticks), OpenRouter (cost).
func (d *details) read(raw []byte) {
	var s jsonscan.Scanner
	s.Reset(raw)
	for key := range s.Object() {
		switch string(key) {
		case "prompt_tokens_details", "input_tokens_details", "input_token_details":
			d.readInput(&s)
		case "completion_tokens_details", "output_tokens_details", "output_token_details":
			for k := range s.Object() {
				switch string(k) {
				case "audio_tokens":
					d.audioOut = count(&s)
				case "image_tokens":
					d.imageOut = count(&s)
				}
			}
		case "cache_creation":
			for k := range s.Object() {
				if string(k) == "ephemeral_1h_input_tokens" {
					d.write1h = count(&s)
				}
			}
		case "server_tool_use":
			for k := range s.Object() {
				if string(k) == "web_search_requests" {
					d.search = count(&s)
				}
			}
		case "server_side_tool_usage_details":
			d.readTools(&s)
		case "promptTokensDetails", "toolUsePromptTokensDetails":
			d.readModalities(&s, &d.audioIn, &d.imageIn, &d.videoIn)
		case "cacheTokensDetails":
			d.readModalities(&s, &d.audioCached, &d.imageCached, &d.videoCached)
		case "candidatesTokensDetails":
			d.readModalities(&s, &d.audioOut, &d.imageOut, &d.videoOut)
		case "speed":
			var buf [16]byte
			d.fast = string(s.AppendText(buf[:0])) == "fast"
		case "inference_geo":
			var buf [16]byte
			d.us = string(s.AppendText(buf[:0])) == "us"
		case "service_tier", "serviceTier", "trafficType":
			var buf [32]byte
			if t := tierOf(s.AppendText(buf[:0])); t != "" {
				d.tier = t
			}
		case "cost_in_usd_ticks":
			// A tick is 1e-10 dollars. Azure's copies of xAI's models state 0.
			if n, ok := s.Int(); ok && n > 0 && n <= math.MaxInt64/100 {
				d.cost, d.hasCost = llm.Decimal(n*100), true
			}
		case "cost":
			d.readCost(&s)
		case "is_byok":
			d.byok, _ = s.Bool()
		case "cost_details":
			for k := range s.Object() {
				if string(k) == "upstream_inference_cost" && s.Kind() == jsonscan.Number {
					d.upstreamCost, _ = dollars(s.Raw())
				}
			}
		case "iterations":
			d.hasIterations = true
		}
	}
}

func (d *details) readInput(s *jsonscan.Scanner) {
	for k := range s.Object() {
		switch string(k) {
		case "cached_tokens":
			d.cacheRead = count(s)
		case "cache_write_tokens":
			d.cacheWrite = count(s)
		case "audio_tokens":
			d.audioIn = count(s)
		case "image_tokens":
			d.imageIn = count(s)
		case "cached_tokens_details":
			for k := range s.Object() {
				switch string(k) {
				case "audio_tokens":
					d.audioCached = count(s)
				case "image_tokens":
					d.imageCached = count(s)
				}
			}
		}
	}
}

func (d *details) readTools(s *jsonscan.Scanner) {
	for k := range s.Object() {
		switch string(k) {
		case "web_search_calls":
			d.search = count(s)
		case "x_search_calls":
			d.xSearch = count(s)
		case "code_interpreter_calls":
			d.code = count(s)
		case "file_search_calls":
			d.fileSearch = count(s)
		}
	}
}

// readModalities reads Gemini's arrays of {modality, tokenCount}. Documents are
// rendered to images before they are counted.
func (d *details) readModalities(s *jsonscan.Scanner, audio, image, video *int64) {
	for range s.Array() {
		var buf [16]byte
		var modality []byte
		var n int64
		for k := range s.Object() {
			switch string(k) {
			case "modality":
				modality = s.AppendText(buf[:0])
			case "tokenCount":
				n = count(s)
			}
		}
		switch string(modality) {
		case "AUDIO":
			*audio += n
		case "IMAGE", "DOCUMENT":
			*image += n
		case "VIDEO":
			*video += n
		}
	}
}

// readCost reads a cost that the provider states in dollars: a number
// (OpenRouter), or an object with total_cost (Perplexity).
func (d *details) readCost(s *jsonscan.Scanner) {
	switch s.Kind() {
	case jsonscan.Number:
		d.cost, d.hasCost = dollars(s.Raw())
	case jsonscan.Object:
		for k := range s.Object() {
			if string(k) == "total_cost" && s.Kind() == jsonscan.Number {
				d.cost, d.hasCost = dollars(s.Raw())
			}
		}
	}
}

// dollars reads an amount that a provider states. It may come with an exponent
// or more digits than a pico-dollar has; then it is rounded.
func dollars(lit []byte) (llm.Decimal, bool) {
	if len(lit) > 40 {
		return 0, false
	}
	text := string(lit)
	if v, err := llm.ParseDecimal(text); err == nil {
		return v, v >= 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f >= math.MaxInt64/llm.DecimalScale {
		return 0, false
	}
	return llm.Decimal(math.Round(f * llm.DecimalScale)), true
}

// count reads a count, never negative.
func count(s *jsonscan.Scanner) int64 {
	n, _ := s.Int()
	return max(n, 0)
}

// split fills in the counts of the kinds from the normal form and the details.
// What does not add up is cut so that no token is counted twice and none is
// negative.
func (c *counts) split(u *llm.Usage, d *details) {
	input, output := value(u.InputTokens), value(u.OutputTokens)
	write := value(u.CacheWriteTokens)
	if u.CacheWriteTokens == nil {
		write = d.cacheWrite
	}
	read := value(u.CacheReadTokens)
	if u.CacheReadTokens == nil {
		read = d.cacheRead
	}

	left := input
	take := func(n int64) int64 {
		n = min(max(n, 0), left)
		left -= n
		return n
	}
	write = take(write)
	read = take(read)
	c.of[KindCacheWrite1h] = min(d.write1h, write)
	c.of[KindCacheWrite] = write - c.of[KindCacheWrite1h]
	c.of[KindAudioCacheRead] = min(d.audioCached, read)
	c.of[KindImageCacheRead] = min(d.imageCached, read-c.of[KindAudioCacheRead])
	c.of[KindCacheRead] = read - c.of[KindAudioCacheRead] - c.of[KindImageCacheRead]
	c.of[KindAudioInput] = take(d.audioIn - d.audioCached)
	c.of[KindImageInput] = take(d.imageIn - d.imageCached)
	c.of[KindVideoInput] = take(d.videoIn - d.videoCached)
	c.of[KindInput] = left

	left = output
	c.of[KindAudioOutput] = take(d.audioOut)
	c.of[KindImageOutput] = take(d.imageOut)
	c.of[KindVideoOutput] = take(d.videoOut)
	c.of[KindReasoning] = take(value(u.ReasoningTokens))
	c.of[KindOutput] = left

	c.of[KindWebSearch] = d.search
	c.of[KindXSearch] = d.xSearch
	c.of[KindCodeExecution] = d.code
	c.of[KindFileSearch] = d.fileSearch
}

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return max(*p, 0)
}
