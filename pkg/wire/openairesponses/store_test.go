package openairesponses_test

import (
	"fmt"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// What a request says of the answer's being kept is read where it counts alone.
func TestStore(t *testing.T) {
	for body, want := range map[string]string{
		`{"input":"a"}`: "not said", `{"input":"a","store":true}`: "true", `{"store" : false,"input":"a"}`: "false", `{"input":[{"store":false}],"store":null}`: "not said",
	} {
		c, err := openairesponses.New().Conversation([]byte(body))
		got := "not said"
		if c.Store != nil {
			got = fmt.Sprint(*c.Store)
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", body, got, want, err)
		}
	}
}
