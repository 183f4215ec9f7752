package lex_test

import (
	"hash/fnv"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// What words are compared by cannot be worked out beforehand.
func TestHashIsSecret(t *testing.T) {
	public := fnv.New64a()
	_, _ = public.Write([]byte("acme"))
	if lex.Hash("acme") == public.Sum64() {
		t.Error("everybody knows the hash of a word")
	}
	var h lex.Hasher
	var last uint64
	for _, c := range []byte("acme") {
		last = h.Add(c)
	}
	if d := lex.Words("Acme"); last != lex.Hash("acme") || d.Tokens[0].Hash != last {
		t.Error("one word has several hashes")
	}
}
