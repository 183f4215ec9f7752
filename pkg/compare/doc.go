// Package compare compares an exchange with others in which the same request was
// sent again, perhaps to another provider of the same format or to another model:
// answers, tool calls, finish reasons, tokens, cost and time. It is pure: who
// sends, and where answers are recorded, is others' business.
package compare
