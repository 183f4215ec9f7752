// Package tui is the screen of `archestra tail`: what passes through a running
// server, live, one file a pane.
//
// One bubbletea model ([model]) holds panes that are plain structs. Update does
// no I/O: what asks the server or touches a file is a command in source.go or
// actions.go, and answers with a message named for the fact. Panes make
// paint.Lines, which can hold nothing but sanitised text; only the root turns
// lines into bytes for the terminal. Every key stands in keys.go, every style
// in package paint.
//
// A frame's work follows what is visible: the list walks outwards from the
// selected row, texts are sanitised and wrapped a piece at a time when they come
// into view, and events are gathered for a thirtieth of a second before the
// screen hears of them.
package tui
