// Package store keeps interactions in a data directory and answers queries
// about them.
package store
