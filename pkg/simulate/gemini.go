package simulate

import (
	"encoding/json"
	"errors"
)

// Gemini's generateContent, ai.google.dev/api/generate-content, and Vertex AI's,
// which is the same with other addresses and a few members more.
var geminiCodec = codec{
	decode:  decodeGemini,
	whole:   geminiWhole,
	stream:  geminiStream,
	fault:   geminiFault,
	framing: geminiFraming,
}

type geminiContent struct {
	Role  string `json:"role"`
	Parts []struct {
		Text         string `json:"text"`
		Thought      bool   `json:"thought"`
		FunctionCall *struct {
			ID   string          `json:"id"`
			Name string          `json:"name"`
			Args json.RawMessage `json:"args"`
		} `json:"functionCall"`
		FunctionResponse *struct {
			ID       string          `json:"id"`
			Name     string          `json:"name"`
			Response json.RawMessage `json:"response"`
		} `json:"functionResponse"`
	} `json:"parts"`
}

// decodeGemini reads the body; model and stream stand in the path.
func decodeGemini(body []byte, r *Request) error {
	var q struct {
		Contents          []geminiContent `json:"contents"`
		SystemInstruction *geminiContent  `json:"systemInstruction"`
		Tools             []struct {
			FunctionDeclarations []struct {
				Name string `json:"name"`
			} `json:"functionDeclarations"`
		} `json:"tools"`
		GenerationConfig struct {
			CandidateCount int `json:"candidateCount"`
		} `json:"generationConfig"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	if q.Contents == nil {
		return errors.New("* GenerateContentRequest.contents: contents is not specified")
	}
	r.Choices = q.GenerationConfig.CandidateCount
	if q.SystemInstruction != nil {
		for _, p := range q.SystemInstruction.Parts {
			r.addSystem(p.Text)
		}
	}
	for _, t := range q.Tools {
		for _, f := range t.FunctionDeclarations {
			r.Tools = append(r.Tools, f.Name)
		}
	}
	for _, c := range q.Contents {
		r.addContent(c)
	}
	return nil
}

func (r *Request) addContent(c geminiContent) {
	var text string
	var calls []ToolCall
	var results []ToolResult
	for _, p := range c.Parts {
		switch {
		case p.FunctionCall != nil:
			calls = append(calls, ToolCall{ID: p.FunctionCall.ID, Name: p.FunctionCall.Name, Arguments: string(p.FunctionCall.Args)})
		case p.FunctionResponse != nil:
			f := p.FunctionResponse
			results = append(results, ToolResult{ID: f.ID, Name: f.Name, Text: string(f.Response)})
		case !p.Thought:
			text = joinText(text, p.Text)
		}
	}
	if c.Role == "model" {
		r.add(Message{Role: RoleAssistant, Text: text, Calls: calls})
		return
	}
	r.addUser(text, results)
}

// geminiFraming: alt=sse gives events with CRLF line ends, anything else one
// JSON array.
func geminiFraming(r Request) framing {
	if r.jsonArray {
		return framingArray
	}
	return framingSSECRLF
}

func geminiFinish(word string) string {
	switch word {
	case "stop", "calls":
		return "STOP"
	case "length":
		return "MAX_TOKENS"
	case "filter", "refusal":
		return "SAFETY"
	}
	return word
}

// geminiPart writes a part of the answer; the first call and the reasoning carry
// a signature that must come back unchanged.
func geminiPart(a *answer, i int, p Part, text string) object {
	switch p.Kind {
	case PartReason:
		return object{"text", text, "thought", true}
	case PartCall:
		f := object{"name", p.Call.Name, "args", jsonOrString(p.Call.Arguments)}
		if a.req.Provider != Vertex {
			f = f.with("id", p.Call.ID)
		}
		o := object{"functionCall", f}
		if firstCall(a, i) {
			o = o.with("thoughtSignature", signature(a, i))
		}
		return o
	}
	return object{"text", text}
}

func firstCall(a *answer, i int) bool {
	for _, p := range a.script.Parts[:i] {
		if p.Kind == PartCall {
			return false
		}
	}
	return true
}

// geminiUsage: candidatesTokenCount leaves the thoughts out. It is absent until
// something was said.
func geminiUsage(a *answer, output, thoughts int) object {
	u := object{"promptTokenCount", a.usage.Input}
	if output > 0 {
		u = u.with("candidatesTokenCount", output)
	}
	u = u.with("totalTokenCount", a.usage.Input+output+thoughts)
	if a.usage.CacheRead > 0 {
		u = u.with("cachedContentTokenCount", a.usage.CacheRead)
	}
	u = u.with("promptTokensDetails", array{object{"modality", "TEXT", "tokenCount", a.usage.Input}})
	if thoughts > 0 {
		u = u.with("thoughtsTokenCount", thoughts)
	}
	if a.req.Provider == Vertex {
		u = u.with("trafficType", "ON_DEMAND")
	}
	return u
}

// geminiBody writes one GenerateContentResponse.
func geminiBody(a *answer, candidates array, usage object) object {
	o := object{"candidates", candidates, "usageMetadata", usage, "modelVersion", a.script.Model}
	if a.req.Provider == Vertex {
		o = o.with("createTime", a.created.Format("2006-01-02T15:04:05.000000Z07:00"))
	}
	return o.with("responseId", a.id("", 22, "id"))
}

func candidate(i int, parts array, finish string) object {
	c := object{"content", object{"parts", parts, "role", "model"}}
	if finish != "" {
		c = c.with("finishReason", finish)
	}
	return c.with("index", i)
}

func geminiWhole(a *answer) []byte {
	candidates := make(array, 0, a.req.Choices)
	for n := range a.req.Choices {
		parts := array{}
		for i, p := range a.script.Parts {
			parts = append(parts, geminiPart(a, i, p, p.Text))
		}
		candidates = append(candidates, candidate(n, parts, geminiFinish(a.finish())))
	}
	u := a.usage
	return indented(geminiBody(a, candidates, geminiUsage(a, u.Output-u.Reasoning, u.Reasoning)))
}

// geminiStream sends one response a piece; every one repeats the usage so far,
// the last has the totals and the finish reason.
func geminiStream(a *answer) []frame {
	perChoice := make([][]frame, a.req.Choices)
	u := a.usage
	for n := range perChoice {
		output, thoughts := 0, 0
		chunk := func(kind frameKind, part object, finish string) {
			body := geminiBody(a, array{candidate(n, array{part}, finish)}, geminiUsage(a, output, thoughts))
			perChoice[n] = append(perChoice[n], frame{kind: kind, data: encode(body)})
		}
		for i, p := range a.script.Parts {
			switch p.Kind {
			case PartCall:
				output = min(output+tokens(p.Call.Arguments)+1, u.Output-u.Reasoning)
				chunk(frameContent, geminiPart(a, i, p, ""), "")
			case PartReason:
				thoughts = u.Reasoning
				for _, s := range a.deltas(p.Text) {
					chunk(frameContent, geminiPart(a, i, p, s), "")
				}
			default:
				for _, s := range a.deltas(p.Text) {
					output = min(output+1, u.Output-u.Reasoning)
					chunk(frameContent, geminiPart(a, i, p, s), "")
				}
			}
		}
		output, thoughts = u.Output-u.Reasoning, u.Reasoning
		chunk(frameTerminal, object{"text", ""}, geminiFinish(a.finish()))
	}
	return interleave(perChoice)
}

func geminiFault(_ *answer, p problem, _ int) []frame {
	return []frame{{kind: frameTerminal, data: compact(googleError(p, discard()))}}
}
