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
	// Class is not 0 where the frame is alike to one that its framer was taught: all
	// frames of one class are equal byte for byte but for the JSON string in
	// Data[TextStart:TextEnd], which has no escapes and is not empty, and for members
	// that say nothing. What is known of one of them holds for all.
	Class              int
	Free               bool // there are such members in the class
	TextStart, TextEnd int
}

// Framer cuts a stream into frames. Write any bytes, then call Next until it
// returns false; call Close at the end of the stream, then Next again. The
// slices of a frame are valid until the next Write or Close.
type Framer interface {
	Write(p []byte)
	// Rest is how many bytes no frame has taken yet. Extend is Write for who has them
	// at hand, with the new ones behind them in p: none is copied to join the two.
	Rest() int
	Extend(p []byte)
	Next() (Frame, bool)
	Close()
	// Learn tells that all that the last frame does is to add a text, whose JSON string
	// is a part of its data. The frames that follow it at once and are alike have a
	// Class, a new one; free are members in which they may differ. A framer need not
	// take notice. It is for the one who owns the framer: classes of two framers are
	// not told apart.
	Learn(f Frame, text []byte, free []Member)
}
