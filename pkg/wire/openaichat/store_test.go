package openaichat_test

import (
	"fmt"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

// What a request says of the answer's being kept is read where it counts alone.
func TestStore(t *testing.T) {
	for body, want := range map[string]string{
		`{"messages":[]}`: "not said", `{"messages":[],"store":true}`: "true", `{"store" : false,"messages":[]}`: "false", `{"messages":[],"store":null}`: "not said",
		`{"deferred":true,"messages":[]}`: "true", `{"deferred":true,"store":false}`: "true", `{"store":true,"deferred":false}`: "true", `{"messages":[{"store":true}]}`: "not said",
	} {
		c, err := openaichat.New().Conversation([]byte(body))
		got := "not said"
		if c.Store != nil {
			got = fmt.Sprint(*c.Store)
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", body, got, want, err)
		}
	}
}
