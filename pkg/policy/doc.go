// Package policy judges the tool calls that a model proposes: rules that a person
// can read, over facts that package fact gathers, beneath them built-in tiers that
// help without any configuration.
//
// Order: deny, then ask, then allow; of the lists the first that has a matching
// rule wins, whatever stands in the others. Built-in denials count as denials.
// Built-in asks come last, so that a rule of the user's allow list ends them:
//
//	deny (project, user, built in) → ask (project, user) → allow (user) →
//	remembered answers → ask (built in) → allow
//
// A project's file may only tighten: deny, ask, distrust. The package is pure: no
// clock, no files, no network; the same conversation and the same rules give the
// same verdict.
package policy
