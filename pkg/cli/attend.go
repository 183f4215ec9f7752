package cli

import (
	"os"
	"os/signal"
)

// attendance keeps this process alive through the signals that are meant for the
// command that it runs, and passes on those that the command does not get itself.
type attendance struct {
	signals chan os.Signal
}

// attend begins it. Signals that were ignored stay ignored, such as nohup's.
func attend() *attendance {
	a := &attendance{signals: make(chan os.Signal, 16)}
	for _, s := range attended {
		if !signal.Ignored(s) {
			signal.Notify(a.signals, s)
		}
	}
	return a
}

// ended tells that a signal came before there was a command to have it.
func (a *attendance) ended() bool { return len(a.signals) > 0 }

// forward passes signals on to p until the function that it returns is called.
func (a *attendance) forward(p *os.Process) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case s := <-a.signals:
				if !fromTerminal(s) {
					// It may have ended at this moment.
					_ = p.Signal(s)
				}
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

func (a *attendance) end() { signal.Stop(a.signals) }
