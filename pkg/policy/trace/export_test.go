package trace

import "github.com/archestra-ai/archestra-cli/pkg/llm"

// Neutral is the message in the neutral form.
func (m Message) Neutral() llm.Message { return m.message() }
