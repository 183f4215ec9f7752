// Package leaktest fails tests that leave goroutines behind. Package goleak waits
// less than half a second for the last ones to end, which a busy machine may take
// to let them run once; a leak is as much one after a minute.
package leaktest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines that are about to end have for it.
const patience = time.Minute

// Main runs the tests of a package, and then looks for goroutines that are not of
// the others. It does not return.
func Main(m *testing.M, others ...goleak.Option) {
	goleak.VerifyTestMain(patient{m, others}, others...)
}

// None looks for goroutines that are not of the others, at the end of a test.
func None(t testing.TB, others ...goleak.Option) {
	t.Helper()
	settle(others)
	goleak.VerifyNone(t, others...)
}

type patient struct {
	m      *testing.M
	others []goleak.Option
}

// Run implements [goleak.TestingM].
func (p patient) Run() int {
	code := p.m.Run()
	if code == 0 {
		settle(p.others)
	}
	return code
}

// settle waits until nothing runs, or patience has ended. Find itself waits
// between its looks.
func settle(others []goleak.Option) {
	for end := time.Now().Add(patience); goleak.Find(others...) != nil && time.Now().Before(end); {
	}
}
