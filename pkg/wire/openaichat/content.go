package openaichat

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// contentPart reads an element of an array of content: text, refusal,
// image_url, input_audio, file; video_url (vLLM, OpenRouter), document_url and
// thinking (Mistral).
func (r reader) contentPart(parts []llm.Part, v view.Value) []llm.Part {
	if v.Kind() == jsonscan.String {
		return v.Append(parts, llm.PartText)
	}
	var kind string
	var text, refusal, thinking, media view.Value
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = s.Text()
		case "text":
			text = view.Read(s)
		case "refusal":
			refusal = view.Read(s)
		case "thinking":
			thinking = view.Read(s)
		case "image_url", "input_audio", "audio_url", "file", "video_url", "document_url":
			media = view.Read(s)
		}
	}
	switch kind {
	case "text", "input_text", "output_text":
		return text.Append(parts, llm.PartText)
	case "refusal":
		return refusal.Append(parts, llm.PartText)
	case "thinking":
		for _, p := range r.content(nil, thinking) {
			p.Kind = llm.PartReasoning
			parts = append(parts, p)
		}
		return parts
	case "image_url":
		return r.appendMedia(parts, llm.PartImage, media)
	case "input_audio", "audio_url":
		return r.appendMedia(parts, llm.PartAudio, media)
	case "file", "document_url", "video_url":
		return r.appendMedia(parts, llm.PartFile, media)
	}
	return append(parts, v.Other())
}

// appendMedia is media in a call of its own, as view.Value.Append is.
//
//go:noinline
func (r reader) appendMedia(parts []llm.Part, kind llm.PartKind, v view.Value) []llm.Part {
	return append(parts, r.media(kind, v))
}

// media reads what is inline, behind a URL, or known to the provider by an id.
// For the latter two, Text is the URL or the id.
func (r reader) media(kind llm.PartKind, v view.Value) llm.Part {
	p := llm.Part{Kind: kind}
	if v.Kind() == jsonscan.String {
		setURL(&p, v)
		return p
	}
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "url", "file_data":
			setURL(&p, view.Read(s))
		case "data":
			p.Bytes = view.Read(s).Size()
		case "format":
			p.Media = "audio/" + s.Text()
		case "file_id", "id":
			if id := view.Read(s); id.Size() > 0 {
				p.Text, p.Span = id.Text(), id.Span()
			}
		case "filename":
			p.Name = s.Text()
		}
	}
	return p
}

// setURL takes a URL, a data URL, or, as file_data, base64 alone.
func setURL(p *llm.Part, v view.Value) {
	if media, size := view.Data(v); size > 0 || media != "" {
		p.Media, p.Bytes = media, size
		return
	}
	if text := v.Text(); strings.Contains(text, "://") {
		p.Text, p.Span = text, v.Span()
		return
	}
	p.Bytes = v.Size()
}
