package ask

import (
	"errors"
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Errors of Settle.
var (
	// ErrUnknown tells that no question bears the id, or that it was settled long ago.
	ErrUnknown = errors.New("no such question")
	// ErrAmbiguous tells that a shortened id begins several.
	ErrAmbiguous = errors.New("the id is not unique")
	// ErrSettled tells that somebody, or the time, was faster.
	ErrSettled = errors.New("the question was settled already")
	// ErrAnswer tells that the answer cannot be taken; the question stays open.
	ErrAnswer = errors.New("not an answer")
)

func checkAnswer(a llm.AskAnswer) error {
	switch {
	case a.Action != llm.ActionAllow && a.Action != llm.ActionBlock:
		return fmt.Errorf("%w: %q, want %s or %s", ErrAnswer, a.Action, llm.ActionAllow, llm.ActionBlock)
	case a.Arguments == nil:
		return nil
	case a.Action != llm.ActionAllow:
		return fmt.Errorf("%w: a refused call takes no arguments", ErrAnswer)
	}
	return CheckArguments(a.Arguments)
}

// CheckArguments tells whether a person's arguments can take the place of a
// call's: one strict JSON object. Its errors wrap ErrAnswer.
func CheckArguments(raw []byte) error {
	if err := jsonscan.Check(raw); err != nil {
		return fmt.Errorf("%w: the arguments are not strict JSON: %w", ErrAnswer, err)
	}
	if jsonscan.New(raw).Kind() != jsonscan.Object {
		return fmt.Errorf("%w: the arguments are not a JSON object", ErrAnswer)
	}
	return nil
}
