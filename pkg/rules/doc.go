// Package rules holds the rules in force: the user's policy.yaml and a project's
// file, over what archestra brings. It reads them from disk, notices when they
// change, and writes the answers that are to hold for ever. Package policy, which
// judges by them, knows no files.
//
// A change that does not load, or whose tests fail, changes nothing: the last good
// rules stay, and [Rules.Problems] and the log tell why. The same holds for a file
// that vanishes or can not be read any more.
package rules
