// Package adopt takes rules over from an agent's own permission settings: those of
// Claude Code and of Codex. What comes out is a policy file in YAML that loads, with
// the entries that no rule can say as comments.
//
// Where the two cannot mean exactly the same, a denial or a question becomes wider
// and an allowance narrower than the original, never the other way round.
//
// Sources: https://code.claude.com/docs/en/permissions and .../settings,
// https://developers.openai.com/codex/rules and .../config-reference.
package adopt
