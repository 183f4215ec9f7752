package cli

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// The members of an HTTP archive, as the HAR 1.2 specification names them
// (W3C Web Performance Working Group, historical draft). Sizes that are not
// known are -1. Members that begin with an underscore are ours.
type (
	harEntry struct {
		Started     string           `json:"startedDateTime"`
		Time        float64          `json:"time"` // milliseconds
		Request     harRequest       `json:"request"`
		Response    harResponse      `json:"response"`
		Cache       struct{}         `json:"cache"`
		Timings     harTimings       `json:"timings"`
		Interaction *llm.Interaction `json:"_archestra"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		HTTPVersion string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		Query       []harPair `json:"queryString"`
		PostData    *harPost  `json:"postData,omitempty"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int64     `json:"bodySize"`
	}
	harPost struct {
		MimeType string    `json:"mimeType"`
		Params   []harPair `json:"params"`
		Text     string    `json:"text"`
		Encoding string    `json:"_encoding,omitempty"` // base64 where the body is no text
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		RedirectURL string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int64      `json:"bodySize"`
	}
	harContent struct {
		Size     int    `json:"size"`
		MimeType string `json:"mimeType"`
		Text     string `json:"text,omitempty"`
		Encoding string `json:"encoding,omitempty"`
	}
	harTimings struct {
		Blocked float64 `json:"blocked"`
		DNS     float64 `json:"dns"`
		Connect float64 `json:"connect"`
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
		SSL     float64 `json:"ssl"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// harExporter writes an archive entry by entry.
type harExporter struct {
	w   *bufio.Writer
	src *source
	n   int
}

func (x *harExporter) begin() error {
	creator, err := json.Marshal(map[string]string{"name": "archestra", "version": readBuildInfo().Version})
	if err != nil {
		return err
	}
	_, err = x.w.WriteString(`{"log":{"version":"1.2","creator":` + string(creator) + `,"entries":[` + "\n")
	return err
}

func (x *harExporter) add(ctx context.Context, i *llm.Interaction) error {
	exchange, err := x.src.Exchange(ctx, i.ID)
	if err != nil {
		return err
	}
	request, err := readBody(ctx, x.src, i.ID, control.SideRequest)
	if err != nil {
		return err
	}
	response, err := readBody(ctx, x.src, i.ID, control.SideResponse)
	if err != nil {
		return err
	}
	b, err := json.Marshal(harEntryOf(i, exchange, request, response, x.src.baseURL))
	if err != nil {
		return err
	}
	if x.n++; x.n > 1 {
		if _, err := x.w.WriteString(",\n"); err != nil {
			return err
		}
	}
	_, err = x.w.Write(printable.EscapeJSON(nil, b))
	return err
}

func (x *harExporter) end() error {
	_, err := x.w.WriteString("\n]}}\n")
	return err
}

func harEntryOf(i *llm.Interaction, x *control.Exchange, request, response []byte, baseURL string) *harEntry {
	const version = "HTTP/1.1" // what the record does not tell, and most clients speak
	e := &harEntry{
		Started: i.StartedAt.Format(time.RFC3339Nano),
		Request: harRequest{
			Method: i.Method, URL: baseURL + i.Path, HTTPVersion: version, Cookies: []harPair{}, Headers: harHeaders(x.Request.Header),
			Query: []harPair{}, HeadersSize: -1, BodySize: i.RequestBytes,
		},
		Response: harResponse{
			Status: i.Status, StatusText: http.StatusText(i.Status), HTTPVersion: version, Cookies: []harPair{}, Headers: harHeaders(x.Response.Header),
			Content:     harContent{Size: len(response), MimeType: x.Response.Header.Get("Content-Type")},
			HeadersSize: -1, BodySize: i.ResponseBytes,
		},
		Timings:     harTimingsOf(i),
		Interaction: i,
	}
	if i.DurationMS != nil {
		e.Time = milliseconds(i.DurationMS.Duration())
	}
	if u, err := url.Parse(i.Path); err == nil {
		e.Request.Query = harPairs(u.Query())
	}
	if len(request) > 0 {
		e.Request.PostData = &harPost{MimeType: x.Request.Header.Get("Content-Type"), Params: []harPair{}}
		e.Request.PostData.Text, e.Request.PostData.Encoding = harText(request)
	}
	e.Response.Content.Text, e.Response.Content.Encoding = harText(response)
	return e
}

// harText writes bytes as text where they are, and as base64 where they are not.
func harText(b []byte) (text, encoding string) {
	if utf8.Valid(b) {
		return string(b), ""
	}
	return base64.StdEncoding.EncodeToString(b), "base64"
}

func harHeaders(h http.Header) []harPair { return harPairs(h) }

// harPairs lists names and values, by name. What carries a credential is not
// there: it was removed before anything was written.
func harPairs(m map[string][]string) []harPair {
	pairs := []harPair{}
	for name, values := range m {
		for _, v := range values {
			pairs = append(pairs, harPair{name, v})
		}
	}
	slices.SortStableFunc(pairs, func(a, b harPair) int { return strings.Compare(a.Name, b.Name) })
	return pairs
}

func harTimingsOf(i *llm.Interaction) harTimings {
	t := harTimings{Blocked: -1, DNS: -1, Connect: -1, SSL: -1}
	if i.DurationMS == nil {
		return t
	}
	total := i.DurationMS.Duration()
	var read, first time.Duration
	if i.Timing != nil {
		if m := i.Timing.RequestReadMS; m != nil {
			read = m.Duration()
		}
		if m := i.Timing.FirstByteMS; m != nil {
			first = m.Duration()
		}
	}
	read = min(read, total)
	first = min(max(first, read), total)
	t.Send, t.Wait, t.Receive = milliseconds(read), milliseconds(first-read), milliseconds(total-first)
	return t
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}
