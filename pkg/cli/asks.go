package cli

import (
	"context"
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Asks implements control.Backend: what waits on the desk.
func (b *backend) Asks(context.Context) ([]llm.Ask, error) {
	if b.house.asks == nil {
		return nil, nil
	}
	return b.house.asks.List(), nil
}

// Answer implements control.Backend.
func (b *backend) Answer(_ context.Context, id string, answer llm.AskAnswer) (llm.Ask, error) {
	if b.house.asks == nil {
		return llm.Ask{}, fmt.Errorf("%w: %q", control.ErrAskUnknown, id)
	}
	return b.house.asks.Settle(id, answer)
}
