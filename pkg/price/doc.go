// Package price turns usage into money, exactly.
//
// Amounts are whole pico-dollars ([llm.Decimal]), and prices are never floats. A price
// that is not known is not known: [Book.Cost] then answers ok == false and
// never zero. Providers that run on the user's own machine (vllm, ollama) cost
// nothing unless an override says otherwise, and that is a known zero.
//
// The prices come from an embedded table, prices.json, that the program in gen
// writes from a maintained public data set and a short overlay of our own for
// what that set does not hold (service tiers, models that are newer). The file
// names its sources and their days. It is read when the first price is asked
// for, not before.
package price

//go:generate go run ./gen -out prices.json
