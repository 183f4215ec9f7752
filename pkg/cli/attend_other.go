//go:build !unix

package cli

import (
	"os"
	"os/exec"
)

// attended are the signals that are the command's affair.
var attended = []os.Signal{os.Interrupt}

// fromTerminal tells that a signal reaches the command without us: a console
// sends its events to all of its processes.
func fromTerminal(os.Signal) bool { return true }

func exitOf(s *os.ProcessState) int { return s.ExitCode() }

func apart(*exec.Cmd) {}

// askToEnd ends a process: there is no signal to ask it with. What it recorded
// is safe, for the journal is.
func askToEnd(p *os.Process) error { return p.Kill() }
