// Package ask is the desk where held tool calls wait for a person.
//
// Whoever holds a call puts a question on the desk and waits at its [Ticket];
// whoever looks sees the open questions by [Desk.List], or in the live events,
// and answers with [Desk.Settle]. Each question is settled once: by a person, by
// the time, by the client that went away, or by the end of the server.
//
// What an unanswered question becomes is the desk's [Default]. Where no terminal
// follows the events there is nobody to ask, and it becomes that at once;
// [Queue] alone waits on.
package ask
