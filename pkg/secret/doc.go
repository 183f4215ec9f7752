// Package secret keeps in what must not leave: it finds secrets and personal
// data in texts, puts placeholders in their stead, and takes the placeholders
// back out of what a model answers.
//
// It is pure: it knows texts, no provider, no request and no clock. A caller
// decides what a finding leads to; a finding names kind and place, never the
// value.
//
// [Detector] finds. Its rules for secrets are those that gitleaks publishes, as
// data; the engine is our own: one pass of an automaton over the text finds
// where a rule may match, and only there a small matcher looks closer.
//
// [Session] holds the placeholders of one conversation, [Restorer] puts values
// back into a stream, and [Leaks] looks in answers for links that carry data to
// hosts that nobody named.
package secret
