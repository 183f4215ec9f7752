// Package printable is the one way by which text from outside reaches a
// terminal. What a model, a tool or a client wrote is hostile: a control
// sequence in it can repaint a prompt, fill the clipboard or hide an order. A
// [Text] is made only by [New], [Line] and [Bytes], and holds nothing that a
// terminal obeys or that a reader cannot see; a view that takes a Text cannot
// be given anything else.
//
// What is not fit to print is shown, never dropped, since it is evidence:
//
//	control characters    their pictures: ␛ ␇ ␍ ␡
//	bidi, zero width, …   their names: ⟨U+202E⟩, in a run ⟨U+200B ×12⟩
//	tag characters        what they spell: ⟨hidden: "ignore the user"⟩
//	invalid UTF-8         its bytes: ⟨0xFF FE⟩
//	spaces beyond ASCII   ␣
//
// Letters that merely look alike stay as they are: they are visible, and
// somebody's language.
package printable
