package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/server"
)

// TestTokenIsHandedOverAsTheDoorDemands: the table of clients is a leaf, and
// names the header and the variable itself.
func TestTokenIsHandedOverAsTheDoorDemands(t *testing.T) {
	if agent.TokenHeader != server.TokenHeader {
		t.Errorf("clients send %s, and the door reads %s", agent.TokenHeader, server.TokenHeader)
	}
	for _, s := range config.Settings() {
		if s.Name == "token" && s.Var != agent.TokenVar {
			t.Errorf("clients read %s, and the setting is %s", agent.TokenVar, s.Var)
		}
	}
}

func TestEnviron(t *testing.T) {
	w := agent.Wiring{Set: []agent.Setting{{Name: "A", Value: "new"}, {Name: "B", Value: "x=y"}}, Clear: []string{"NESTED"}}
	got := environ([]string{"A=old", "AB=stays", "NESTED=1", "odd", "A=again"}, w)
	if diff := cmp.Diff([]string{"AB=stays", "odd", "A=new", "B=x=y"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestEnvAsksTheServer: a running server's address and providers win over the
// settings of this shell.
func TestEnvAsksTheServer(t *testing.T) {
	dir := serve(t, &memory{providers: []control.Provider{{Name: "openai", State: "ready"}, {Name: "anthropic", State: "off"}, {Name: "ollama", State: "unreachable"}}})
	out, _ := must(t, dir, terminal{}, "env", "--shell", "bash", "--profile", "ci")
	for _, want := range []string{"export OPENAI_BASE_URL='http://localhost:9321/v1/openai/ci'\n", "export OLLAMA_HOST='http://localhost:9321/v1/ollama/ci'\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "export ANTHROPIC") {
		t.Errorf("a provider that is off is pointed at:\n%s", out)
	}
}
