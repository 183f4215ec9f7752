// Package guard judges one exchange: what its request carries out, and what the
// model's answer asks the client to do.
//
// It puts the pure parts together, the rules (policy), the detectors (secret), and
// the gates of the wire formats, and owns what they need over time: what a session
// was answered before, its placeholders, what was read of its history. It moves no
// bytes itself: a proxy shows it the request and the frames of the answer, and lets
// out what it gives back.
//
// A guard that fails, by an error or a panic, refuses what it was to judge.
package guard
