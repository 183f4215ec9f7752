package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/server"
)

// checkPort: the server answers where clients are sent, or could.
func checkPort(ctx context.Context, x *examination) []Finding {
	if x.status == nil {
		l, err := server.Listen(ctx, x.Config)
		switch {
		case err == nil:
			_ = l.Close() // nothing was done with it
			return one(OK, fmt.Sprintf("Port %d is free.", x.Config.Port), "")
		case errors.Is(err, syscall.EADDRINUSE):
			return one(Failed, fmt.Sprintf("Port %d is taken by another program.", x.Config.Port), "End that program, or choose another port: archestra serve --port 9001, or ARCHESTRA_PORT.")
		}
		return one(Failed, err.Error(), "Choose another address or port.")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.status.BaseURL+server.HealthPath, http.NoBody)
	if err != nil {
		return one(Failed, "The server states an address that is none: "+x.status.BaseURL, "Start it again.")
	}
	x.authorize(req)
	resp, err := x.http.Do(req)
	if err != nil {
		return one(Failed, x.status.BaseURL+" does not answer.", "Start the server again; if it is remote or in a container, publish its port.")
	}
	_ = resp.Body.Close() // it was not read
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return one(Failed, fmt.Sprintf("%s turns this shell away with status %d.", x.status.BaseURL, resp.StatusCode), "Set ARCHESTRA_TOKEN to the server's token.")
	default:
		return one(Failed, fmt.Sprintf("%s answers with status %d, which is not archestra's.", x.status.BaseURL, resp.StatusCode), "Another program may have the port on one of the loopback addresses: end it.")
	}
	out := one(OK, x.status.BaseURL+" answers.", "")
	if u, err := url.Parse(x.status.BaseURL); err == nil && u.Port() != strconv.Itoa(x.Config.Port) && x.Config.Port != 0 {
		out = append(out, Finding{State: Warning, Detail: fmt.Sprintf("The server listens on port %s, and this shell's settings say %d.", u.Port(), x.Config.Port),
			Remedy: "Take addresses from archestra env, which asks the server."})
	}
	return out
}

// checkSocket: commands reach the server.
func checkSocket(_ context.Context, x *examination) []Finding {
	switch {
	case errors.Is(x.asked, control.ErrNoServer):
		return one(Failed, "No server runs for "+x.Config.DataDir+".", "archestra serve; or archestra run, which starts one for a command.")
	case x.status == nil:
		return one(Failed, "The server of "+x.Config.DataDir+" cannot be asked: "+x.asked.Error(), "End it and start it again, as the same user.")
	}
	out := one(OK, fmt.Sprintf("The server is process %d, archestra %s, mode %s.", x.status.PID, x.status.Version, x.status.Mode), "")
	if x.status.Version != x.Version {
		out = append(out, Finding{State: Warning, Detail: "This command is archestra " + x.Version + ".", Remedy: "Start the server again, so that both are the same."})
	}
	for _, p := range x.status.Problems {
		out = append(out, Finding{State: Failed, Detail: p, Remedy: "Look at the server's log. Of rules that do not load: archestra policy check. Of records that fail: the space on the disk."})
	}
	return out
}

// checkPermissions: what is recorded is its user's alone, and can be written.
func checkPermissions(_ context.Context, x *examination) []Finding {
	dir := x.Config.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return one(OK, dir+" will be made.", "")
	case err != nil:
		return one(Failed, err.Error(), "Choose another folder with --data-dir, or ARCHESTRA_DATA_DIR.")
	case !info.IsDir():
		return one(Failed, dir+" is not a folder.", "Choose another one with --data-dir, or ARCHESTRA_DATA_DIR.")
	}
	var out []Finding
	for _, path := range []string{dir, filepath.Join(dir, "archestra.db"), filepath.Join(dir, "journal"), filepath.Join(dir, "blobs")} {
		if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			out = append(out, Finding{State: Failed, Subject: path, Detail: fmt.Sprintf("Other users can enter or read %s (mode %o).", path, info.Mode().Perm()), Remedy: "chmod go= " + path})
		}
	}
	if f, err := os.CreateTemp(dir, ".doctor-*"); err != nil {
		out = append(out, Finding{State: Failed, Subject: dir, Detail: dir + " cannot be written to: " + err.Error(), Remedy: "Make it yours, or choose another with --data-dir."})
	} else if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		out = append(out, Finding{State: Failed, Subject: dir, Detail: err.Error(), Remedy: "Look at the disk."})
	}
	for _, w := range x.Config.Warnings {
		out = append(out, Finding{State: Warning, Detail: w, Remedy: "Change it unless it is meant so."})
	}
	if out == nil {
		return one(OK, dir+" is yours alone.", "")
	}
	return out
}

// skew is how far the clock may be off: access tokens and signed requests bear
// a few minutes.
const skew = 5 * time.Minute

// checkClock compares this machine's clock with the providers'.
func checkClock(_ context.Context, x *examination) []Finding {
	const remedy = "Set the clock by the network: certificates, tokens and the times of records depend on it."
	now := x.Now()
	if now.Year() < 2025 {
		return one(Failed, "This machine's clock says "+now.Format(time.DateTime)+".", remedy)
	}
	for _, p := range x.serving {
		r := x.reached[p.Name]
		if r.date.IsZero() {
			continue
		}
		if off := now.Sub(r.date).Abs(); off > skew+r.took {
			return one(Failed, fmt.Sprintf("The clock is %s off, by the answer of %s.", off.Round(time.Minute), p.Name), remedy)
		}
		return one(OK, "It agrees with "+p.Name+"'s.", "")
	}
	return one(Skipped, "No provider answered with its time.", "")
}
