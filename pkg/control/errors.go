package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// wireError is an error as it crosses the socket.
type wireError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type errorBody struct {
	Error wireError `json:"error"`
}

// The codes of errors. bad_request is what the caller did wrong.
var codes = []struct {
	code   string
	status int
	is     error
}{
	{"not_found", http.StatusNotFound, ErrNotFound},
	{"ambiguous", http.StatusConflict, ErrAmbiguous},
	{"not_kept", http.StatusGone, ErrNotKept},
	{"ask_unknown", http.StatusNotFound, ErrAskUnknown},
	{"ask_ambiguous", http.StatusConflict, ErrAskAmbiguous},
	{"ask_settled", http.StatusConflict, ErrAskSettled},
	{"ask_answer", http.StatusBadRequest, ErrAskAnswer},
	{"bad_request", http.StatusBadRequest, errBadRequest},
}

var errBadRequest = errors.New("bad request")

// badRequest marks err as the caller's fault.
func badRequest(err error) error { return marked{err, errBadRequest} }

// marked is an error that keeps its words and gains a meaning.
type marked struct {
	error
	is error
}

func (m marked) Unwrap() []error { return []error{m.error, m.is} }

func toWire(err error) (status int, w wireError) {
	for _, c := range codes {
		if errors.Is(err, c.is) {
			return c.status, wireError{c.code, err.Error()}
		}
	}
	return http.StatusInternalServerError, wireError{"internal", err.Error()}
}

func fromWire(w wireError) error {
	err := errors.New(w.Message)
	for _, c := range codes {
		if c.code == w.Code {
			return marked{err, c.is}
		}
	}
	return err
}

// errorOf reads the error of a response whose status is not 200.
func errorOf(status int, body []byte) error {
	var e errorBody
	if err := json.Unmarshal(body, &e); err != nil || e.Error.Code == "" {
		return fmt.Errorf("the server answered with status %d", status)
	}
	return fromWire(e.Error)
}
