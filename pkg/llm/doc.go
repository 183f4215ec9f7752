// Package llm holds the nouns that every other package speaks in: the
// interaction, its usage, tool calls, verdicts and errors, and the neutral view
// of a conversation that rules judge and screens show.
//
// It imports the standard library only, and it is a leaf: it knows no provider,
// no wire format and no storage. A neutral view is for looking, never for
// forwarding; what goes to a provider is the client's own bytes.
package llm
