// Package demo is a small story of three agents at work, each of which is
// attacked, misled or careless: who they are, what a simulated model says to them,
// and what their tools return. It holds the agents too, which speak to a proxy
// over HTTP as programs on the providers' SDKs do.
//
// Nothing in it is real: the mail, the accounts, the pages and the keys are made
// up, the tools do nothing, and the model is package simulate's. The proxy, its
// rules and its record that the story runs through are not simulated.
package demo
