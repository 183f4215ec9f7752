// Package sdktest runs the providers' official Go SDKs as clients: against the
// simulated provider alone, and against a built archestra binary with the
// simulated provider behind it. Both must look the same to an SDK, errors
// included.
//
// It is a module of its own so that the SDKs and what they need stay out of the
// product's module graph. Run it with
//
//	go -C sdktest test ./...
//
// With -direct only the simulated provider is tested, which tells a fault of it
// from one of archestra.
package sdktest
