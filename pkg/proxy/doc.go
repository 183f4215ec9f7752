// Package proxy moves the bytes. It is the one package that does.
//
// A request is resolved to a provider and a profile, read whole, shown to the
// guards, sent to the provider over a transport of its own, and the answer is
// relayed as it arrives:
//
//	intake.go         reads the client's body, spools large ones
//	proxy.go          the way of one request, from left to right
//	look.go           shows the request to the record and the guard
//	forward.go        sends the request, and gives the client the response
//	upstream.go       the last step out: credentials, and what is worth a second try
//	copy.go           the bytes of a body, which leave as they come
//	watch.go          what looks after an answer that is slow: its header, its silence
//	relay.go          the way back, where bytes pass as they are: the response body's reader
//	judged.go         decides how the way back is looked at, and judges whole answers
//	guarded.go        the way back of what may be held or changed
//	retry.go          asks a model again whose calls were all refused
//	usage.go          asks for the usage of a chat completions stream, and takes it out again
//	upgrade.go        the way of a connection that was upgraded
//	websocket.go      its messages, recorded
//	guardedsocket.go  and for those that are judged
//	errors.go         what goes wrong, in the provider's own shape
package proxy
