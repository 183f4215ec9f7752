// Package proxy moves the bytes. It is the one package that does.
//
// A request is resolved to a provider and a profile, read whole, shown to the
// guards, sent to the provider over a transport of its own, and the answer is
// relayed as it arrives:
//
//	intake.go     reads the client's body, spools large ones
//	proxy.go      the way of one request, from left to right
//	upstream.go   the last step out: credentials, and what is worth a second try
//	relay.go      the way back: the response body's reader
//	usage.go      asks for the usage of a chat completions stream, and takes it out again
//	websocket.go  the same for messages of an upgraded connection
//	errors.go     what goes wrong, in the provider's own shape
//
// httputil.ReverseProxy carries the exchange: hop-by-hop headers, trailers,
// upgrades, flushing and aborts are solved there.
package proxy
