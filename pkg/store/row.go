package store

import (
	"encoding/binary"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// row is what the table interaction knows of an interaction: what filters and
// statistics ask for.
type row struct {
	id                                   string
	startedAt                            int64
	provider, profile, api, method, path string
	status                               maybe
	state                                string
	stream                               bool
	model, requestModel                  string
	inputTokens, outputTokens            maybe
	cost, ttft, duration                 maybe
	agent, session                       string
	tools, verdicts, findings, errors    string // JSON arrays, or ""
}

func rowOf(i *llm.Interaction) *row {
	r := &row{
		id: i.ID, startedAt: i.StartedAt.UnixNano(),
		provider: i.Provider, profile: i.Profile, api: string(i.API), method: i.Method, path: i.Path,
		status: maybe{int64(i.Status), i.Status != 0}, state: string(i.State), stream: i.Stream,
		model: i.Model, requestModel: i.RequestModel,
		ttft: millis(i.TTFTMS), duration: millis(i.DurationMS),
		agent: i.Client.Agent, session: i.Client.Session,
	}
	if u := i.Usage; u != nil {
		r.inputTokens, r.outputTokens = number(u.InputTokens), number(u.OutputTokens)
	}
	if i.CostUSD != nil {
		r.cost = maybe{int64(*i.CostUSD), true}
	}
	var tools, verdicts, findings, errors jsonList
	for k := range i.ToolCalls {
		tools.add(i.ToolCalls[k].Name)
		verdicts.add(string(i.ToolCalls[k].Verdict))
	}
	for k := range i.Findings {
		findings.add(i.Findings[k].Kind)
		findings.add(i.Findings[k].Detector)
		verdicts.add(i.Findings[k].Action)
	}
	if e := i.Error; e != nil {
		errors.add(string(e.Source))
		errors.add(e.Type)
		errors.add(e.Code)
		errors.add(e.Message)
	}
	r.tools, r.verdicts, r.findings, r.errors = tools.json(), verdicts.json(), findings.json(), errors.json()
	return r
}

func number(n *int64) maybe {
	if n == nil {
		return maybe{}
	}
	return maybe{*n, true}
}

func millis(m *llm.Millis) maybe {
	if m == nil {
		return maybe{}
	}
	return maybe{int64(*m), true}
}

// jsonList makes a JSON array of the texts that are not empty.
type jsonList []byte

func (l *jsonList) add(s string) {
	if s == "" {
		return
	}
	open := byte(',')
	if len(*l) == 0 {
		open = '['
	}
	*l = jsonscan.AppendString(append(*l, open), s)
}

func (l *jsonList) json() string {
	if len(*l) == 0 {
		return ""
	}
	return string(*l) + "]"
}

func appendRow(dst []byte, r *row) []byte {
	dst = appendBytes(dst, r.id)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.startedAt))
	for _, s := range [...]string{r.provider, r.profile, r.api, r.method, r.path, r.state, r.model, r.requestModel,
		r.agent, r.session, r.tools, r.verdicts, r.findings, r.errors} {
		dst = appendBytes(dst, s)
	}
	for _, m := range [...]maybe{r.status, r.inputTokens, r.outputTokens, r.cost, r.ttft, r.duration} {
		dst = appendMaybe(dst, m)
	}
	if r.stream {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func (r *reader) row() *row {
	w := &row{id: string(r.bytes())}
	if b := r.take(8); b != nil {
		w.startedAt = int64(binary.LittleEndian.Uint64(b))
	}
	for _, s := range [...]*string{&w.provider, &w.profile, &w.api, &w.method, &w.path, &w.state, &w.model, &w.requestModel,
		&w.agent, &w.session, &w.tools, &w.verdicts, &w.findings, &w.errors} {
		*s = r.text()
	}
	for _, m := range [...]*maybe{&w.status, &w.inputTokens, &w.outputTokens, &w.cost, &w.ttft, &w.duration} {
		*m = r.maybe()
	}
	w.stream = r.byte() != 0
	return w
}

// A row is inserted with INSERT, or with INSERT OR REPLACE where there is one
// already: for that SQLite prepares to undo the statement alone, at some cost.
const insertRow = ` INTO interaction (
	n, id, started_at, provider, profile, api, method, path, status, state, stream, model, request_model,
	input_tokens, output_tokens, cost, ttft, duration, agent, session, tools, verdicts, findings, errors, block, slot
) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

// values are insertRow's parameters. A negative block means none.
func (w *row) values(dst []any, n, block int64, slot int) []any {
	dst = append(dst, n, w.id, w.startedAt, w.provider, w.profile, w.api, w.method, w.path,
		w.status.value(), w.state, w.stream, w.model, w.requestModel,
		w.inputTokens.value(), w.outputTokens.value(), w.cost.value(), w.ttft.value(), w.duration.value(),
		w.agent, w.session, orNil(w.tools), orNil(w.verdicts), orNil(w.findings), orNil(w.errors))
	if block < 0 {
		return append(dst, nil, nil)
	}
	return append(dst, block, int64(slot))
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// interaction is what the row alone can say of an interaction that never ended.
func (w *row) interaction() *llm.Interaction {
	i := &llm.Interaction{
		ID: w.id, StartedAt: time.Unix(0, w.startedAt).UTC(),
		Provider: w.provider, Profile: w.profile, API: llm.API(w.api), Method: w.method, Path: w.path,
		Status: int(w.status.n), State: llm.State(w.state), Stream: w.stream,
		Model: w.model, RequestModel: w.requestModel,
		Client: llm.Client{Agent: w.agent, Session: w.session},
	}
	return i
}
