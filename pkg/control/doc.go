// Package control is the API by which archestra's own commands and screen reach
// a running server: HTTP over a Unix socket in the data directory that only the
// directory's owner can open. Nothing of it is on the port that clients use.
//
// Both halves are here: [Listen] and [Server], and [Client]. What they speak of
// stands in types.go; the paths begin with /v1 and stay as they are once
// shipped:
//
//	GET /v1/status                               Status
//	GET /v1/interactions?filter&since&before&limit   interactions, one JSON object a line, oldest first
//	GET /v1/interactions/{ref}                   one interaction; ref is an id, a part that names one only, or "last"
//	GET /v1/interactions/{ref}/exchange          Exchange: headers and sizes
//	GET /v1/interactions/{ref}/{side}            the body's bytes; side is request or response; ?decode=true without content encoding
//	GET /v1/interactions/{ref}/conversation      llm.Conversation
//	GET /v1/profiles                             Profile, one a line
//	GET /v1/stats?by&filter&since                Stat, one a line
//	GET /v1/providers                            Provider, one a line
//	GET /v1/asks                                 llm.Ask, the open ones, one a line, oldest first
//	POST /v1/asks/{id}                           llm.AskAnswer goes in, llm.Ask comes out as settled; the id may be shortened
//	GET /v1/events?filter&since&after&server&progress   llm.Event, one a line, as they happen
//
// An error is a JSON object {"error": {"code", "message"}}. A list that breaks
// off in the middle ends with such a line.
package control
