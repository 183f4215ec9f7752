package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// maxAnswer bounds an answer: arguments that a person edited are far smaller.
const maxAnswer = 8 << 20

// answer reads an answer and settles the question. A member that this version
// does not know is refused: it might limit what is allowed.
func (s *Server) answer(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil {
		return nil, badRequest(fmt.Errorf("the answer broke off: %w", err))
	}
	if len(body) > maxAnswer {
		return nil, badRequest(fmt.Errorf("the answer has more than %d bytes", maxAnswer))
	}
	var a llm.AskAnswer
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, badRequest(fmt.Errorf("the answer: %w", err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest(errors.New("the answer is more than one JSON object"))
	}
	return s.backend.Answer(r.Context(), r.PathValue("id"), a)
}

// Asks returns the tool calls that wait for a person, oldest first. A follower
// of Events is told of those that wait already when it is attached; after a lost
// event this list is what still holds.
func (c *Client) Asks(ctx context.Context) ([]llm.Ask, error) {
	return collect(stream[llm.Ask](ctx, c, "/v1/asks", nil))
}

// Answer settles the question with that id, which may be shortened while it is
// unique, and returns it as settled: Answer says how, and Arguments are those
// with which an allowed call goes on. Errors wrap ErrAskUnknown, ErrAskAmbiguous,
// ErrAskSettled, ErrAskAnswer and ErrNoServer.
func (c *Client) Answer(ctx context.Context, id string, answer llm.AskAnswer) (llm.Ask, error) {
	var settled llm.Ask
	if !isRef(id) {
		return settled, fmt.Errorf("%w: %q", ErrAskUnknown, id)
	}
	if answer.Arguments != nil && !json.Valid(answer.Arguments) { // they would not cross the socket
		return settled, fmt.Errorf("%w: the arguments are not JSON", ErrAskAnswer)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return settled, err
	}
	u := url.URL{Scheme: "http", Host: "archestra", Path: "/v1/asks/" + id}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return settled, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.do(req)
	if err != nil {
		return settled, err
	}
	err = readObject(resp, &settled)
	return settled, err
}
