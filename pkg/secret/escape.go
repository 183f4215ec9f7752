package secret

import "github.com/archestra-ai/archestra-cli/pkg/jsonscan"

// escapeJSON returns a text as it stands inside a JSON string.
func escapeJSON(text string) string {
	lit := jsonscan.AppendString(nil, text)
	return string(lit[1 : len(lit)-1])
}
