package simulate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
)

// plain answers what the model does not.
func (x *exchange) plain() {
	switch x.t.endpoint {
	case endpointCount:
		x.count()
	case endpointModels:
		x.models()
	case endpointModel:
		x.model()
	case endpointEmbeddings:
		x.embeddings()
	case endpointFiles:
		x.file()
	case endpointResponse:
		x.response()
	case endpointEcho:
		x.echo()
	case endpointHealth:
		(&delivery{w: x.w, ctx: x.ctx, d: x.d}).whole(http.StatusOK, "text/plain; charset=utf-8", []byte("Ollama is running"))
	default:
		x.fail(problem{Failure: Failure{
			Status: http.StatusNotFound, Message: "Invalid URL (" + x.r.Method + " " + x.r.URL.Path + ")",
		}})
	}
}

// count answers how many tokens a request has.
func (x *exchange) count() {
	body := x.body
	if x.t.format == GenerateContent {
		// Vertex AI's and the SDKs' countTokens may wrap the request.
		var q struct {
			GenerateContentRequest json.RawMessage `json:"generateContentRequest"`
		}
		if json.Unmarshal(body, &q) == nil && len(q.GenerateContentRequest) > 0 {
			body = q.GenerateContentRequest
		}
	}
	req, err := x.decode(body)
	if err != nil {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: err.Error()}})
		return
	}
	n := countInput(req)
	switch x.t.format {
	case GenerateContent:
		x.json(http.StatusOK, indented(object{
			"totalTokens", n, "promptTokensDetails", array{object{"modality", "TEXT", "tokenCount", n}},
		}))
	case Responses:
		x.json(http.StatusOK, encode(object{"object", "response.input_tokens", "input_tokens", n}))
	default:
		x.json(http.StatusOK, encode(object{"input_tokens", n}))
	}
}

// defaultModels are what lists show where Options.Models says nothing.
var defaultModels = map[string]string{
	OpenAI: "gpt-4o-mini", Anthropic: "claude-sonnet-4-5", Gemini: "gemini-2.5-flash", Vertex: "gemini-2.5-flash",
	Cerebras: "llama-3.3-70b", XAI: "grok-4-fast", VLLM: "Qwen/Qwen3-0.6B", Ollama: "llama3.2:3b",
}

func (x *exchange) modelIDs() []string {
	if x.s.o.Models != nil {
		return x.s.o.Models
	}
	return []string{defaultModels[x.t.provider]}
}

// listed is when the listed models were made, in seconds of Unix time.
const listed = 1735689600

// describe writes one model as a provider lists it.
func (x *exchange) describe(id string) object {
	switch x.t.provider {
	case Anthropic:
		return object{"type", "model", "id", id, "display_name", id, "created_at", "2025-01-01T00:00:00Z"}
	case Gemini, Vertex:
		return object{
			"name", "models/" + id, "version", "001", "displayName", id, "inputTokenLimit", 1048576,
			"outputTokenLimit", 65536, "supportedGenerationMethods", array{"generateContent", "countTokens"},
		}
	case VLLM:
		return object{"id", id, "object", "model", "created", listed, "owned_by", "vllm", "root", id, "parent", nil, "max_model_len", 32768}
	}
	return object{"id", id, "object", "model", "created", listed, "owned_by", x.t.provider}
}

func (x *exchange) models() {
	ids := x.modelIDs()
	var list array
	for _, id := range ids {
		list = append(list, x.describe(id))
	}
	switch {
	case x.t.arg == "version":
		x.json(http.StatusOK, encode(object{"version", "0.17.0"}))
	case x.t.arg == "show":
		x.json(http.StatusOK, encode(object{"details", ollamaDetails, "model_info", object{}, "capabilities", array{"completion", "tools"}}))
	case x.t.arg == "tags":
		tags := array{}
		for _, id := range ids {
			tags = append(tags, object{
				"name", id, "model", id, "modified_at", "2025-01-01T00:00:00Z", "size", 2019393189,
				"digest", digest("", id, nil), "details", ollamaDetails,
			})
		}
		x.json(http.StatusOK, encode(object{"models", tags}))
	case x.t.provider == Anthropic:
		x.json(http.StatusOK, encode(object{"data", list, "has_more", false, "first_id", ids[0], "last_id", ids[len(ids)-1]}))
	case x.t.provider == Gemini || x.t.provider == Vertex:
		x.json(http.StatusOK, indented(object{"models", list}))
	default:
		x.json(http.StatusOK, encode(object{"object", "list", "data", list}))
	}
}

var ollamaDetails = object{"format", "gguf", "family", "llama", "parameter_size", "3.2B", "quantization_level", "Q4_K_M"}

func (x *exchange) model() {
	if !slices.Contains(x.modelIDs(), x.t.arg) {
		x.fail(problem{Failure: Failure{Status: http.StatusNotFound}})
		return
	}
	x.json(http.StatusOK, encode(x.describe(x.t.arg)))
}

// response answers for a kept response.
func (x *exchange) response() {
	id, rest, _ := strings.Cut(x.t.arg, "/")
	body, ok := x.s.history.get(id)
	switch {
	case !ok:
		x.fail(problem{Failure: Failure{Status: http.StatusNotFound, Message: "Response with id '" + id + "' not found."}})
	case x.r.Method == http.MethodDelete:
		x.s.history.forget(id)
		x.json(http.StatusOK, encode(object{"id", id, "object", "response", "deleted", true}))
	case rest != "":
		x.fail(problem{Failure: Failure{Status: http.StatusNotFound, Message: "Invalid URL (" + x.r.Method + " " + x.r.URL.Path + ")"}})
	default:
		x.json(http.StatusOK, body)
	}
}

// vector makes an embedding that follows from the text alone, of length 1.
func vector(text string, dimensions int) []float64 {
	v := make([]float64, dimensions)
	var norm float64
	sum := sha256.Sum256([]byte(text))
	for i := range v {
		if i > 0 && i%16 == 0 {
			sum = sha256.Sum256(sum[:])
		}
		v[i] = float64(binary.BigEndian.Uint16(sum[i%16*2:]))/32768 - 1
		norm += v[i] * v[i]
	}
	for i := range v {
		v[i] = math.Round(v[i]/math.Sqrt(norm)*1e6) / 1e6
	}
	return v
}

const (
	defaultDimensions = 16
	maxDimensions     = 8192
)

func (x *exchange) embeddings() {
	if x.t.format == GenerateContent {
		x.geminiEmbeddings()
		return
	}
	var q struct {
		Model      string          `json:"model"`
		Input      json.RawMessage `json:"input"`
		Dimensions int             `json:"dimensions"`
		Encoding   string          `json:"encoding_format"`
	}
	if err := json.Unmarshal(x.body, &q); err != nil || len(q.Input) == 0 {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: "'input' is a required property"}})
		return
	}
	var inputs []json.RawMessage
	if json.Unmarshal(q.Input, &inputs) != nil || (len(inputs) > 0 && inputs[0][0] >= '0' && inputs[0][0] <= '9') {
		inputs = []json.RawMessage{q.Input} // one text, or one list of tokens
	}
	n := 0
	var data array
	for i, in := range inputs {
		text := argumentText(in)
		n += tokens(text)
		v := vector(text, dimensions(q.Dimensions))
		var embedding any = v
		if q.Encoding == "base64" {
			embedding = packed(v)
		}
		data = append(data, object{"object", "embedding", "index", i, "embedding", embedding})
	}
	x.json(http.StatusOK, encode(object{
		"object", "list", "data", data, "model", q.Model, "usage", object{"prompt_tokens", n, "total_tokens", n},
	}))
}

func dimensions(n int) int {
	if n <= 0 {
		return defaultDimensions
	}
	return min(n, maxDimensions)
}

// packed writes an embedding as OpenAI's base64: little-endian 32-bit floats.
func packed(v []float64) string {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// geminiEmbeddings answers embedContent, batchEmbedContents, and Vertex AI's
// predict of an embedding model.
func (x *exchange) geminiEmbeddings() {
	type request struct {
		Content    geminiContent `json:"content"`
		Dimensions int           `json:"outputDimensionality"`
	}
	var q struct {
		request
		Requests  []request `json:"requests"`
		Instances []struct {
			Content string `json:"content"`
		} `json:"instances"`
		Parameters request `json:"parameters"`
	}
	if err := json.Unmarshal(x.body, &q); err != nil {
		x.fail(problem{Failure: Failure{Status: http.StatusBadRequest, Message: "Invalid JSON payload received."}})
		return
	}
	values := func(r request) object {
		var text string
		for _, p := range r.Content.Parts {
			text = joinText(text, p.Text)
		}
		return object{"values", vector(text, dimensions(r.Dimensions))}
	}
	switch x.t.method {
	case "embedContent":
		x.json(http.StatusOK, indented(object{"embedding", values(q.request)}))
	case "batchEmbedContents":
		list := array{}
		for _, r := range q.Requests {
			list = append(list, values(r))
		}
		x.json(http.StatusOK, indented(object{"embeddings", list}))
	default:
		list := array{}
		for _, in := range q.Instances {
			list = append(list, object{"embeddings", object{
				"values", vector(in.Content, dimensions(q.Parameters.Dimensions)),
				"statistics", object{"token_count", tokens(in.Content), "truncated", false},
			}})
		}
		x.json(http.StatusOK, indented(object{"predictions", list}))
	}
}

// echo answers what was received, for tests of what passes.
func (x *exchange) echo() {
	sum := sha256.Sum256(x.body)
	header := object{}
	for _, name := range slices.Sorted(maps.Keys(x.r.Header)) {
		header = header.with(name, x.r.Header[name])
	}
	x.json(http.StatusOK, encode(object{
		"method", x.r.Method, "path", x.r.URL.EscapedPath(), "query", x.r.URL.RawQuery, "host", x.r.Host,
		"proto", x.r.Proto, "header", header, "size", len(x.body), "sha256", hex.EncodeToString(sum[:]),
	}))
}
