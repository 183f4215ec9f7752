// Package noquery keeps the program from asking the terminal for its colours.
//
// Bubble Tea asks as it is initialised, whatever the program is about to do: a
// terminal that does not answer delays every command by five seconds, and the
// answer of one that does may be read by the command that archestra run has
// started. It does not ask where the answer has been given already.
//
// Packages are initialised in the order of their import paths as soon as all
// that they import is (https://go.dev/ref/spec#Program_initialization), so that
// this one, which imports Lip Gloss alone, comes before Bubble Tea.
package noquery

import "github.com/charmbracelet/lipgloss"

func init() { lipgloss.SetHasDarkBackground(true) }
