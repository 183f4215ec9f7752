package tui

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// resendWithin bounds a request that is sent again.
const resendWithin = 15 * time.Minute

// resent is the request that was sent again last. Its user agent tells which
// row it became.
type resent struct {
	agent string
	of    *row
}

// resentMsg says that its answer has come, or why not.
type resentMsg struct {
	status int
	err    error
}

func (m *model) beginResend() {
	if m.current() != nil {
		m.enter(inConfirm)
	}
}

// resend sends the request through the proxy again, as it was, without the
// credentials: the server adds its own.
func (m *model) resend() tea.Cmd {
	r := m.current()
	m.back()
	if r == nil {
		return nil
	}
	var nonce [6]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		m.notice = line("not sent: %v", err)
		return nil
	}
	m.resent = resent{agent: "archestra-resend/" + hex.EncodeToString(nonce[:]), of: r}
	m.notice = paint.Words("sent again; the two are compared when the answer is there")
	i, ctx, src, base, agent := r.i, m.ctx, m.src, m.base(), m.resent.agent
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, resendWithin)
		defer cancel()
		ex, err := src.Exchange(ctx, i.ID)
		if err != nil {
			return resentMsg{err: err}
		}
		b, cut, err := body(ctx, src, i.ID, control.SideRequest, false)
		if err == nil && cut {
			err = fmt.Errorf("the request is longer than %s", size(maxBody))
		}
		if err != nil {
			return resentMsg{err: err}
		}
		req, err := http.NewRequestWithContext(ctx, i.Method, address(base, i.Path), bytes.NewReader(b))
		if err != nil {
			return resentMsg{err: err}
		}
		for name, values := range ex.Request.Header {
			if resendable(name) {
				req.Header[name] = values
			}
		}
		req.Header.Set("User-Agent", agent)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return resentMsg{err: err}
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if e := resp.Body.Close(); err == nil {
			err = e
		}
		return resentMsg{resp.StatusCode, err}
	}
}

// resendable reports whether a header belongs to the request and not to its
// connection or to a page in a browser.
func resendable(name string) bool {
	switch strings.ToLower(name) {
	case "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive",
		"proxy-connection", "user-agent", "origin", "referer", "cookie", "accept-encoding":
		return false
	}
	return !strings.HasPrefix(strings.ToLower(name), "sec-")
}

func (m *model) sentAgain(msg *resentMsg) {
	if msg.err != nil {
		m.notice = line("not sent again: %v", msg.err)
		m.resent = resent{}
	}
}

// watchResent shows both when the repeated request has ended.
func (m *model) watchResent(r *row) tea.Cmd {
	if m.resent.agent == "" || r.i.Client.UserAgent != m.resent.agent || !r.i.State.Final() {
		return nil
	}
	old := m.resent.of
	m.resent = resent{}
	if m.at != inList && m.at != inDetail { // typing, or reading something else
		m.notice = paint.Words("the repeated request has ended")
		return nil
	}
	return m.compareRows(old, r, "sent before")
}
