// Package fact gathers what is known of a proposed tool call, deterministically:
// what its tool does, where each value of its arguments comes from, whether the
// user asked for such a thing, and what the conversation has seen before.
//
// An [Analyzer] reads each message of a conversation once, by the hash of its
// bytes, so that a turn costs what is new in it and not the length of its history.
// The package judges nothing; package policy does, over these facts.
package fact
