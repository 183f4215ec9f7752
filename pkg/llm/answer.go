package llm

// Answer is what a response says, as far as it is known: the decoders of
// package wire fill it, from a whole body or event by event.
type Answer struct {
	ID            string
	Model         string
	Choices       []Choice // sorted by index
	Reasoning     string   // of the first choice
	Refusal       string
	ToolCalls     []ToolCall
	FinishReasons []string // one per choice, the provider's own words; "" where none was given
	Usage         *Usage
	Error         *Error
	// Complete tells that the protocol's terminal event was seen, or that the
	// body was one whole JSON value.
	Complete bool
	// Truncated tells that a limit of ours cut the text that was kept.
	Truncated bool
}

// Text returns the text of the first choice.
func (a *Answer) Text() string {
	if len(a.Choices) == 0 {
		return ""
	}
	return a.Choices[0].Text
}
