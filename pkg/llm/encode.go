package llm

// The JSON of an interaction is written a member at a time, without reflection: it
// is made on the way of every answer. It is what encoding/json makes of the same
// struct with SetEscapeHTML(false), byte for byte; the struct's tags are the
// definition, and TestEncode holds this file to them.

// AppendJSON appends the interaction as JSON. It fails, and returns dst, where raw
// JSON in it is none, or a time has a year of more than four digits.
func (i *Interaction) AppendJSON(dst []byte) ([]byte, error) {
	w := writer{b: dst}
	w.interaction(i)
	return w.end(dst)
}

// AppendJSON appends the event as JSON. It fails as that of Interaction does.
func (e *Event) AppendJSON(dst []byte) ([]byte, error) {
	w := writer{b: dst}
	w.event(e)
	return w.end(dst)
}

func (w *writer) interaction(i *Interaction) {
	w.open('{')
	w.text("id", i.ID)
	w.time("started_at", &i.StartedAt)
	w.time("first_token_at", i.FirstTokenAt)
	w.time("finished_at", i.FinishedAt)

	w.text("provider", i.Provider)
	w.text("profile", i.Profile)
	w.text("api", string(i.API))
	w.text("method", i.Method)
	w.text("path", i.Path)
	w.someInt("status", int64(i.Status))
	w.text("state", string(i.State))
	w.bool("stream", i.Stream)

	w.someText("model", i.Model)
	w.someText("request_model", i.RequestModel)
	w.someText("response_id", i.ResponseID)
	w.texts("finish_reasons", i.FinishReasons)
	if i.Usage != nil {
		w.name("usage")
		w.usage(i.Usage)
	}
	if i.CostUSD != nil {
		w.name("cost_usd")
		w.b = i.CostUSD.append(w.b)
	}

	w.someText("text", i.Text)
	w.someText("reasoning", i.Reasoning)
	w.someText("refusal", i.Refusal)
	if len(i.Choices) > 0 {
		w.name("choices")
		w.open('[')
		for k := range i.Choices {
			w.element()
			w.choice(&i.Choices[k])
		}
		w.close(']')
	}
	if len(i.ToolCalls) > 0 {
		w.name("tool_calls")
		w.open('[')
		for k := range i.ToolCalls {
			w.element()
			w.toolCall(&i.ToolCalls[k])
		}
		w.close(']')
	}
	if i.Error != nil {
		w.name("error")
		w.error(i.Error)
	}
	if len(i.Findings) > 0 {
		w.name("findings")
		w.open('[')
		for k := range i.Findings {
			w.element()
			w.finding(&i.Findings[k])
		}
		w.close(']')
	}

	w.millis("ttft_ms", i.TTFTMS)
	w.millis("duration_ms", i.DurationMS)
	w.millis("overhead_ms", i.OverheadMS)
	if i.Timing != nil {
		w.name("timing")
		w.timing(i.Timing)
	}

	w.int("request_bytes", i.RequestBytes)
	w.int("response_bytes", i.ResponseBytes)

	w.name("client")
	w.client(&i.Client)
	w.texts("notes", i.Notes)
	w.close('}')
}

func (w *writer) usage(u *Usage) {
	w.open('{')
	w.count("input_tokens", u.InputTokens)
	w.count("output_tokens", u.OutputTokens)
	w.count("cache_read_tokens", u.CacheReadTokens)
	w.count("cache_write_tokens", u.CacheWriteTokens)
	w.count("reasoning_tokens", u.ReasoningTokens)
	w.raw("raw", u.Raw)
	w.someText("service_tier", u.ServiceTier)
	w.close('}')
}

func (w *writer) choice(c *Choice) {
	w.open('{')
	w.int("index", int64(c.Index))
	w.text("text", c.Text)
	w.someText("finish_reason", c.FinishReason)
	w.close('}')
}

func (w *writer) toolCall(c *ToolCall) {
	w.open('{')
	w.someText("id", c.ID)
	w.text("name", c.Name)
	w.raw("arguments", c.Arguments)
	w.someText("arguments_text", c.ArgumentsText)
	w.someInt("choice", int64(c.Choice))
	w.someText("kind", c.Kind)
	w.someText("verdict", string(c.Verdict))
	w.someText("rule", c.Rule)
	w.someText("reason", c.Reason)
	w.someText("would", string(c.Would))
	w.someText("answer", string(c.Answer))
	w.someText("by", c.By)
	w.someText("accept", c.Accept)
	w.someText("path", c.Path)
	w.raw("facts", c.Facts)
	w.close('}')
}

func (w *writer) error(e *Error) {
	w.open('{')
	w.text("source", string(e.Source))
	w.someText("type", e.Type)
	w.someText("code", e.Code)
	w.someText("message", e.Message)
	w.someText("param", e.Param)
	w.close('}')
}

func (w *writer) finding(f *Finding) {
	w.open('{')
	w.text("kind", f.Kind)
	w.someText("detector", f.Detector)
	w.someText("where", f.Where)
	w.someText("action", f.Action)
	w.close('}')
}

func (w *writer) timing(t *Timing) {
	w.open('{')
	w.millis("request_read_ms", t.RequestReadMS)
	w.millis("guards_ms", t.GuardsMS)
	w.millis("connected_ms", t.ConnectedMS)
	if t.ReusedConnection {
		w.bool("reused_connection", true)
	}
	w.millis("response_header_ms", t.ResponseHeaderMS)
	w.millis("first_byte_ms", t.FirstByteMS)
	if len(t.Arrivals) > 0 {
		w.name("arrivals")
		w.open('[')
		for _, a := range t.Arrivals {
			w.element()
			w.open('[')
			for _, n := range a {
				w.element()
				w.number(n)
			}
			w.close(']')
		}
		w.close(']')
	}
	w.close('}')
}

func (w *writer) client(c *Client) {
	w.open('{')
	w.someText("user_agent", c.UserAgent)
	w.someText("agent", c.Agent)
	w.someText("session", c.Session)
	w.close('}')
}

func (w *writer) event(e *Event) {
	w.open('{')
	w.unsigned("seq", e.Seq)
	w.text("type", string(e.Type))
	w.time("at", &e.At)
	if e.Interaction != nil {
		w.name("interaction")
		w.interaction(e.Interaction)
	}
	w.someText("text", e.Text)
	w.someText("reasoning", e.Reasoning)
	if e.ToolCall != nil {
		w.name("tool_call")
		w.toolCall(e.ToolCall)
	}
	if e.Ask != nil {
		w.name("ask")
		w.ask(e.Ask)
	}
	if e.Lost != 0 {
		w.unsigned("lost", e.Lost)
	}
	w.close('}')
}

func (w *writer) ask(a *Ask) {
	w.open('{')
	w.text("id", a.ID)
	w.text("interaction", a.Interaction)
	w.text("provider", a.Provider)
	w.text("profile", a.Profile)
	w.someText("agent", a.Agent)

	w.text("tool", a.Tool)
	w.raw("arguments", a.Arguments)
	w.someText("arguments_text", a.ArgumentsText)

	w.text("rule", a.Rule)
	w.text("reason", a.Reason)
	w.someText("accept", a.Accept)
	w.someText("path", a.Path)
	w.someText("sink", a.Sink)

	w.time("asked_at", &a.AskedAt)
	w.time("expires_at", a.ExpiresAt)
	w.someText("answer", string(a.Answer))
	w.someText("by", a.By)
	w.close('}')
}
