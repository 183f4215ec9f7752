// Package doctor proves that capture works, or says what stands in its way: it
// looks at the server, the providers, the variables and the settings files of
// clients, in a fixed order, and sends a harmless request down every path. It
// changes nothing.
package doctor

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// State is how a check went.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // worth knowing; capture works
	Failed  State = "failed"
	Skipped State = "skipped" // it could not be looked at, for a reason that another check tells
)

// Finding is what a check found. A check may have several.
type Finding struct {
	Check   string `json:"check"`
	State   State  `json:"state"`
	Subject string `json:"subject,omitempty"` // the provider, the variable or the file
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"` // what to do; absent where all is well
}

// Server answers questions about the server that runs; control.Client does.
type Server interface {
	Status(ctx context.Context) (control.Status, error)
	Providers(ctx context.Context) ([]control.Provider, error)
	Interactions(ctx context.Context, q control.Query) iter.Seq2[*llm.Interaction, error]
}

// Patient is what is looked at.
type Patient struct {
	Config  *config.Config
	Server  Server
	Env     agent.Lookup
	Home    string // the user's folder
	Workdir string
	Profile string // under which the canaries are recorded
	Version string // of this program
	// Providers looks at the providers where no server runs.
	Providers func(context.Context) ([]control.Provider, error)
	// Usual are addresses at which a local server commonly answers, by provider.
	Usual map[string]string
	Now   func() time.Time
	// Recording bounds how long a record may take to be seen.
	Recording time.Duration
	// Command is run, wired to the proxy, by Run; both are nil where none is given.
	// Run returns the addresses beside the proxy that the command was connected to,
	// as far as the system tells, and the command's own failure.
	Command []string
	Run     func(ctx context.Context) (direct []string, err error)
}

// examination is what the checks share.
type examination struct {
	Patient
	status  *control.Status // nil where no server runs
	asked   error           // why there is none
	site    agent.Site
	serving []control.Provider // those that are not off
	all     []control.Provider
	reached map[string]reach
	http    *http.Client
}

// checks are in the order in which they are made: what stands before others
// explains them.
var checks = []struct {
	name string
	do   func(context.Context, *examination) []Finding
}{
	{"port", checkPort},
	{"socket", checkSocket},
	{"permissions", checkPermissions},
	{"clock", checkClock},
	{"providers", checkProviders},
	{"keys", checkKeys},
	{"local servers", checkLocal},
	{"variables", checkVariables},
	{"settings", checkSettings},
	{"canary", checkCanary},
	{"command", checkCommand},
}

// Examine makes all checks and reports what each finds as it is found.
func Examine(ctx context.Context, p Patient, report func(Finding)) {
	x := &examination{Patient: p, http: &http.Client{
		// The proxy is on this machine: no other proxy leads there.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}}
	x.prepare(ctx)
	for _, c := range checks {
		for _, f := range c.do(ctx, x) {
			f.Check = c.name
			report(f)
		}
	}
}

// prepare asks what several checks need.
func (x *examination) prepare(ctx context.Context) {
	bound, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	x.site = agent.Site{Origin: x.Config.ClientURL(), Profile: x.Profile, Token: x.Config.Access.Token.Reveal()}
	status, err := x.Server.Status(bound)
	if x.asked = err; err == nil {
		x.status, x.site.Origin = &status, status.BaseURL
		x.all, err = x.Server.Providers(bound)
	}
	if err != nil {
		// Without them no provider is looked at, and the check of providers says so.
		x.all, _ = x.Providers(bound)
	}
	for _, p := range x.all {
		if p.State != "off" {
			x.serving = append(x.serving, p)
		}
	}
	x.reached = reachAll(bound, x.Config)
}

func one(s State, detail, remedy string) []Finding {
	return []Finding{{State: s, Detail: detail, Remedy: remedy}}
}
