package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Client asks the server of a data directory. Its methods are safe for
// concurrent use; where no server runs their errors wrap ErrNoServer. Close it
// when it is not needed any more.
type Client struct {
	http *http.Client
}

// NewClient makes a client. It connects with the first call.
func NewClient(dataDir string) *Client {
	if abs, err := filepath.Abs(dataDir); err == nil {
		dataDir = abs
	}
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dataDir) },
	}
	return &Client{http: &http.Client{Transport: t}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// get sends a request; its response has the status 200 and must be closed.
func (c *Client) get(ctx context.Context, path string, v url.Values) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "archestra", Path: path, RawQuery: v.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

// do sends a request; its response has the status 200 and must be closed.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // the URL tells nothing
			err = wrapped.Err
		}
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			return nil, err
		}
		return nil, errorOf(resp.StatusCode, body)
	}
	return resp, nil
}

// object reads one JSON object.
func (c *Client) object(ctx context.Context, path string, into any) error {
	resp, err := c.get(ctx, path, nil)
	if err != nil {
		return err
	}
	return readObject(resp, into)
}

// readObject reads the JSON object of a response, and closes it.
func readObject(resp *http.Response, into any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

// stream yields the objects of a list.
func stream[T any](ctx context.Context, c *Client, path string, v url.Values) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		resp, err := c.get(ctx, path, v)
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Body.Close()
		var lineErr error
		more := true
		err = readLines(resp.Body, func(line []byte) bool {
			item := new(T)
			if lineErr = json.Unmarshal(line, item); lineErr != nil {
				return false
			}
			more = yield(item, nil)
			return more
		})
		if lineErr != nil {
			err = fmt.Errorf("the server's answer: %w", lineErr)
		}
		if err != nil && more {
			yield(nil, err)
		}
	}
}

func collect[T any](items iter.Seq2[*T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, *item)
	}
	return all, nil
}

// path returns the path of what belongs to an interaction, or ErrNotFound where
// ref cannot be a reference, so that it never names another path.
func path(ref, tail string) (string, error) {
	if !isRef(ref) {
		return "", fmt.Errorf("%w: %q", ErrNotFound, ref)
	}
	return "/v1/interactions/" + ref + tail, nil
}

// isRef tells whether ref can be an id, or a part of one.
func isRef(ref string) bool {
	const inIDs = "0123456789abcdefghijklmnopqrstuvwxyz-_"
	return ref != "" && strings.Trim(strings.ToLower(ref), inIDs) == ""
}

// about asks for one object that belongs to an interaction.
func about[T any](ctx context.Context, c *Client, ref, tail string) (*T, error) {
	p, err := path(ref, tail)
	if err != nil {
		return nil, err
	}
	v := new(T)
	return v, c.object(ctx, p, v)
}

// Status asks how the server fares.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.object(ctx, "/v1/status", &s)
	return s, err
}

// Interactions implements Reader.
func (c *Client) Interactions(ctx context.Context, q Query) iter.Seq2[*llm.Interaction, error] {
	return stream[llm.Interaction](ctx, c, "/v1/interactions", q.values())
}

// Interaction implements Reader.
func (c *Client) Interaction(ctx context.Context, ref string) (*llm.Interaction, error) {
	return about[llm.Interaction](ctx, c, ref, "")
}

// Exchange implements Reader.
func (c *Client) Exchange(ctx context.Context, ref string) (*Exchange, error) {
	return about[Exchange](ctx, c, ref, "/exchange")
}

// Conversation implements Reader.
func (c *Client) Conversation(ctx context.Context, ref string) (*llm.Conversation, error) {
	return about[llm.Conversation](ctx, c, ref, "/conversation")
}

// Body implements Reader.
func (c *Client) Body(ctx context.Context, ref string, side Side, decode bool) (io.ReadCloser, error) {
	p, err := path(ref, "/"+string(side))
	if err != nil {
		return nil, err
	}
	resp, err := c.get(ctx, p, url.Values{"decode": {strconv.FormatBool(decode)}})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Profiles implements Reader.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	return collect(stream[Profile](ctx, c, "/v1/profiles", nil))
}

// Providers asks which providers the server can call.
func (c *Client) Providers(ctx context.Context) ([]Provider, error) {
	return collect(stream[Provider](ctx, c, "/v1/providers", nil))
}

// Stats implements Reader.
func (c *Client) Stats(ctx context.Context, q StatsQuery) ([]Stat, error) {
	v := Query{Filter: q.Filter, Since: q.Since}.values()
	for _, g := range q.By {
		v.Add("by", string(g))
	}
	return collect(stream[Stat](ctx, c, "/v1/stats", v))
}
