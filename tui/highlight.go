package tui

import (
	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// languages are the names that a fence may give to what is highlighted. Others
// stay plain: looking for a name that nobody knows is slow.
var languages = map[string]string{
	"go": "go", "golang": "go", "json": "json", "jsonc": "json", "python": "python", "py": "python", "javascript": "javascript",
	"js": "javascript", "jsx": "javascript", "typescript": "typescript", "ts": "typescript", "tsx": "typescript", "bash": "bash",
	"sh": "bash", "shell": "bash", "zsh": "bash", "console": "bash", "yaml": "yaml", "yml": "yaml", "toml": "toml", "sql": "sql",
	"rust": "rust", "rs": "rust", "java": "java", "kotlin": "kotlin", "swift": "swift", "c": "c", "cpp": "cpp", "c++": "cpp",
	"csharp": "csharp", "cs": "csharp", "ruby": "ruby", "rb": "ruby", "php": "php", "html": "html", "xml": "xml", "css": "css",
	"diff": "diff", "patch": "diff", "dockerfile": "docker", "makefile": "make", "lua": "lua", "hcl": "terraform", "terraform": "terraform",
}

// highlight lays out source text in its language's colours, wrapped to room
// cells behind lead.
func highlight(lead paint.Line, lang, text string, room int) []paint.Line {
	var tokens []chroma.Token
	if name := languages[lang]; name != "" {
		if lexer := lexers.Get(name); lexer != nil {
			if it, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root", Nested: false, EnsureLF: false}, text); err == nil {
				tokens = it.Tokens()
			}
		}
	}
	if len(tokens) == 0 {
		tokens = []chroma.Token{{Type: chroma.Text, Value: text}}
	}
	var out []paint.Line
	now := paint.From(lead)
	flush := func() {
		out = append(out, now)
		now = paint.From(lead)
	}
	for _, tok := range tokens {
		style := tokenStyle(tok.Type)
		for k, t := range printable.New(tok.Value).Lines() {
			if k > 0 {
				flush()
			}
			for t.Width() > 0 {
				left := room - (now.Width() - lead.Width())
				if t.Width() <= left {
					now.Add(style, t)
					break
				}
				if left < 1 {
					flush()
					continue
				}
				rows := t.Wrap(left)
				if now.Width() > lead.Width() && rows[0].Width() == 0 {
					flush()
					continue
				}
				now.Add(style, rows[0])
				flush()
				if len(rows) < 2 {
					break
				}
				t = printable.Join(rows[1:], " ")
			}
		}
	}
	return append(out, now)
}

func tokenStyle(t chroma.TokenType) paint.Style {
	switch {
	case t.InCategory(chroma.Keyword), t == chroma.NameTag, t == chroma.NameBuiltin:
		return paint.Word
	case t.InSubCategory(chroma.LiteralString):
		return paint.Quote
	case t.InCategory(chroma.Comment):
		return paint.Dim
	}
	return paint.Plain
}
