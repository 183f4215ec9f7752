package agent

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// hostile values are one word in every shell.
var hostile = []string{"", "plain", "it's", `back\slash`, `\'`, "$(touch x) `id` $HOME", "a b\tc\nd", "\"; rm -rf /; \"", "’‘‚‛", "-n", "*?[", "é世"}

func TestQuote(t *testing.T) {
	for _, tt := range []struct {
		shell Shell
		want  string
	}{
		{Bash, `'it'\''s a \ $x'`},
		{Zsh, `'it'\''s a \ $x'`},
		{Fish, `'it\'s a \\ $x'`},
		{Pwsh, `'it''s a \ $x'`},
		{JSON, `"it's a \\ $x"`},
	} {
		if got := tt.shell.Quote(`it's a \ $x`); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.shell, got, tt.want)
		}
	}
	if got := Pwsh.Quote("a’b"); got != "'a’’b'" {
		t.Errorf("pwsh: %s", got)
	}
}

// TestShellsReadItBack asks those shells that are here.
func TestShellsReadItBack(t *testing.T) {
	for shell, args := range map[Shell][]string{
		Bash: {"bash", "-c"}, Zsh: {"zsh", "-fc"}, Fish: {"fish", "--no-config", "-c"}, Pwsh: {"pwsh", "-NoProfile", "-Command"},
	} {
		path, err := exec.LookPath(args[0])
		if err != nil {
			continue
		}
		for _, want := range hostile {
			script, err := shell.Print([]Setting{{Name: "ARCHESTRA_QUOTED", Value: want}})
			if err != nil {
				t.Fatal(err)
			}
			echo := `printf %s "$ARCHESTRA_QUOTED"`
			if shell == Pwsh {
				echo = `[Console]::Out.Write($env:ARCHESTRA_QUOTED)`
			}
			out, err := exec.Command(path, args[1], script+echo).Output()
			if err != nil || string(out) != want {
				t.Errorf("%s: %q came back as %q, %v", shell, want, out, err)
			}
		}
	}
}

func TestPrint(t *testing.T) {
	set := []Setting{{Name: "A", Value: "x'y"}, {Name: "B", Value: "z"}}
	for shell, want := range map[Shell]string{
		Bash: "export A='x'\\''y'\nexport B='z'\n",
		Fish: "set -gx A 'x\\'y'\nset -gx B 'z'\n",
		Pwsh: "$env:A = 'x''y'\n$env:B = 'z'\n",
		JSON: `{"A":"x'y","B":"z"}` + "\n",
	} {
		got, err := shell.Print(set)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", shell, got, err, want)
		}
	}
	var back map[string]string
	got, _ := JSON.Print([]Setting{{Name: "A", Value: hostile[6]}})
	if err := json.Unmarshal([]byte(got), &back); err != nil || back["A"] != hostile[6] {
		t.Errorf("%s: %v", got, err)
	}
}

func TestShellOf(t *testing.T) {
	for path, want := range map[string]Shell{
		"/bin/bash": Bash, "/usr/bin/zsh": Zsh, "/opt/fish": Fish, "/bin/dash": Bash, "": Bash, `C:\Windows\powershell.exe`: Pwsh, "json": Bash,
	} {
		if got := ShellOf(path); got != want {
			t.Errorf("%q is %s, want %s", path, got, want)
		}
	}
}
