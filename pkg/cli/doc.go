// Package cli is the command line: one file for each command, with its options
// and what it does. Nothing imports it but main.
//
// Data goes to standard output and talk to standard error. Whatever came from
// outside goes through package printable on its way to either. Errors are
// returned, and [Main] is the one place where they become a sentence and an
// exit code: 0 is success, 1 a failure, 2 wrong usage.
package cli
