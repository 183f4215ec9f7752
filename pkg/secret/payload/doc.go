// Package payload finds secrets and personal data in the JSON body of a request
// of any API, takes them out, and conceals in a response what is known to be one.
//
// It does not know what the members of a body mean, with few exceptions that
// members.go lists: every string is looked at, so that an API of tomorrow is
// covered too. What is JSON inside of a string, as the arguments of a tool call
// are in chat completions, is read as JSON.
//
// A chat sends its whole history with every turn. [Scanner] looks at each element
// of the body's arrays once: what was seen before costs a hash.
//
// Out of scope are a secret that begins in one string and ends in another, and
// what stands in a body as a number: there is no place for a placeholder.
package payload
