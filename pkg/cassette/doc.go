// Package cassette answers requests from recorded exchanges instead of a
// provider, and records exchanges into a folder that people can review: so that
// a team's tests of a program that calls models run offline and give the same
// every time.
//
// # What equal requests are
//
// A request is answered by the exchange whose request was equal: same provider,
// API, method, path and query, and same body, all of it. So each turn of a
// conversation is found by its whole history, tool results included. Bodies are
// compared in a normal form (see [Rules]): members in the order of their names,
// without white space, without what is new in each run though the answer does not
// depend on it, and with secrets as numbers. Where equal requests were recorded
// several times they are answered in that order, and then the last one again and
// again. Request headers and the profile do not count.
//
// # What a folder holds
//
// One YAML file for each exchange: the request in its normal form, a summary of
// the answer for the reader, and the response's status, a few of its headers, its
// body and when its events came. Credentials are in none of them. A secret that
// a request's body holds is a number there, and where the response repeats it, the
// number is replaced by the secret of the request that is answered: what a client
// gets is what the provider had sent it, byte for byte, and the folder never held
// it. Secrets that only the response holds are numbers for good.
package cassette
