// Package record assembles the record of one exchange from the bytes as they
// pass, and hands it to a [Sink] before the exchange's last byte leaves.
//
// A [Recorder] makes an [Exchange] for each request. The proxy tells it what
// happens, in the order in which it happens: the request as read, the
// response's status, each chunk of its body, the end. The exchange keeps the
// bytes, decodes them beside their way, and publishes what a live viewer wants
// to see. It changes nothing of what passes.
package record
