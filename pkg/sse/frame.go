// Package sse cuts streamed bodies into raw frames and reads their fields:
// server-sent events, newline-delimited JSON, a JSON array that grows, and the
// messages of a WebSocket.
//
// A frame is a verbatim range of the stream. The frames of a stream, laid end to
// end, are the stream, byte for byte, however it was cut on its way; so what is
// not judged never has to be written anew.
package sse

// Frame is one unit of a stream.
type Frame struct {
	Raw   []byte // the frame's own bytes, separators included
	Event []byte // the SSE event field, empty where there is none
	Data  []byte // the payload: SSE data lines joined by LF, or one JSON value
	// Err tells that the frame breaks its format or a limit: its bytes are in
	// Raw, its meaning is not known.
	Err error
}

// Framer cuts a stream into frames. Write any bytes, then call Next until it
// returns false; call Close at the end of the stream, then Next again. The
// slices of a frame are valid until the next Write or Close.
type Framer interface {
	Write(p []byte)
	Next() (Frame, bool)
	Close()
}
