package demo

import (
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// Scene is one agent with what happens to it.
type Scene struct {
	Profile  string // the agent's name, and its profile
	Provider string
	API      llm.API
	Model    string
	System   string
	Tools    []Tool
	Tasks    []Task
	Entry    time.Duration // when it begins, where the story is played to be watched
}

// Task is what a person asks of an agent. It ends with the first answer that calls
// no tool, as one does from which the proxy took the calls.
type Task struct {
	Ask   string
	Turns []Turn
}

// Turn is one answer of the simulated model.
type Turn struct {
	Says   string
	Calls  []Call
	Tokens simulate.Usage
	// Wish is what shall become of the turn's only call; empty lets all pass.
	Wish llm.Action
	// Telling is what stands in the calls' arguments and nowhere else: it must not
	// reach the agent where they are blocked.
	Telling string
	// Links is how many links of the text shall be made harmless.
	Links int
	// Secret tells that the request of this turn holds a secret, which shall not
	// leave.
	Secret string
}

// Call is a tool call, and what the tool returns if it is let through.
type Call struct {
	Tool, Arguments, Result string
	// Note says in short what matters of the result, for those who are told the story.
	Note string
}

// Tool is what an agent declares.
type Tool struct {
	Name, About string
	Text        []string // the names of its arguments, all of them texts
	Number      []string // of those that are numbers
}

// Provider returns the simulated model's part in a story. Where paced is set it
// takes the time that a model takes.
func Provider(story []Scene, paced bool) simulate.Func {
	return func(r simulate.Request) simulate.Script {
		tasks := 0
		for _, m := range r.Messages {
			if m.Role == simulate.RoleUser {
				tasks++
			}
		}
		for i := range story {
			s := &story[i]
			if s.Provider != r.Provider || s.Model != r.Model || tasks == 0 || tasks > len(s.Tasks) {
				continue
			}
			if turns := s.Tasks[tasks-1].Turns; r.Turn() < len(turns) {
				return turns[r.Turn()].script(paced)
			}
		}
		return simulate.Script{}
	}
}

// Pace of a model that is watched.
const (
	thinking = 900 * time.Millisecond
	writing  = 55 * time.Millisecond
)

func (t *Turn) script(paced bool) simulate.Script {
	s := simulate.Script{Usage: &t.Tokens}
	if t.Says != "" {
		s.Parts = append(s.Parts, simulate.Text(t.Says))
	}
	for _, c := range t.Calls {
		s.Parts = append(s.Parts, simulate.Call(c.Tool, c.Arguments))
	}
	if paced {
		s.Delivery = simulate.Delivery{TTFT: thinking, Delay: writing}
	}
	return s
}
