package rules

import (
	"os"
	"path/filepath"
)

// ProjectFile is where a project keeps its rules, below its folder.
const ProjectFile = ".archestra/policy.yaml"

// Find returns the rules of the project that a folder belongs to, or "". It looks
// in the folder and those above it, up to the root of the repository or the home
// folder. Outside of both only the folder itself counts, since anybody may write
// into what lies above it, such as /tmp.
func Find(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	found := ""
	for at := dir; ; at = filepath.Dir(at) {
		if found == "" {
			path := filepath.Join(at, filepath.FromSlash(ProjectFile))
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				found = path
			}
		}
		if at == dir && found != "" {
			return found
		}
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil || at == filepath.Clean(home) {
			return found
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}
