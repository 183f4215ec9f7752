// Package agent knows the clients that people run: agents such as Claude Code and
// Codex, and the SDKs that programs are written with. For each it says how its
// command is recognised, what it reads to find a provider, and which of its
// traffic cannot be pointed at a proxy and why.
//
// It is one table, and pure: it reads no environment, no file and no clock, and
// changes none.
package agent
