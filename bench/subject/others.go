package subject

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/bench/baseline"
	"github.com/archestra-ai/archestra-cli/bench/client"
	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Commands of this program that are run as processes of their own.
const (
	CommandUpstream = "_upstream"
	CommandRP       = "_rp"
	CommandFloor    = "_floor"
)

var direct = Subject{Name: "direct", About: "no proxy"}

var rp = Subject{Name: "rp", About: "httputil.ReverseProxy, tuned, reads the body first: the base of all ratios",
	command: func(b *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
		return exec.Command(b.Self, CommandRP, upstream, strconv.Itoa(port)), nil
	},
}

var floor = Subject{Name: "floor", About: "rp that records: one JSON pass, a hash a message, zstd, SQLite in batches", Records: true,
	command: func(b *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
		data := filepath.Join(dir, "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			return nil, err
		}
		return exec.Command(b.Self, CommandFloor, upstream, strconv.Itoa(port), filepath.Join(data, "floor.db")), nil
	},
	rows: func(_ *Bench, dir string) (int64, error) {
		return baseline.CountRows(filepath.Join(dir, "data", "floor.db"))
	},
}

var nginx = Subject{Name: "nginx", About: "proxy_buffering off, keepalive; records nothing",
	version: installed("nginx", "-v"),
	command: func(_ *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
		conf, err := write(dir, "nginx.conf", asRoot("user root; ")+fmt.Sprintf(`daemon off; worker_processes 2; worker_rlimit_nofile 20000; pid %[1]s/pid; error_log stderr error;
events { worker_connections 16000; }
http {
  access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  client_max_body_size 64m; client_body_buffer_size 1m; keepalive_requests 1000000;
  upstream provider { server %[2]s; keepalive 1024; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:%[3]d;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`, dir, upstream, port))
		return exec.Command("nginx", "-e", "stderr", "-c", conf), err
	},
}

var haproxy = Subject{Name: "haproxy", About: "HTTP mode, waits for the body, reuses connections; records nothing",
	version: installed("haproxy", "-v"),
	command: func(_ *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
		conf, err := write(dir, "haproxy.cfg", fmt.Sprintf(`global
  maxconn 9000
  nbthread 2
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  option http-buffer-request
  http-reuse always
frontend f
  bind 127.0.0.1:%d
  default_backend b
backend b
  server s %s
`, port, upstream))
		return exec.Command("haproxy", "-f", conf), err
	},
}

var caddy = Subject{Name: "caddy", About: "reverse_proxy, flushes at once; records nothing",
	version: installed("caddy", "version"),
	command: func(b *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
		version, err := installed("caddy", "version")(b)
		if err != nil {
			return nil, err
		}
		buffer := "request_buffers 64MB"
		if strings.HasPrefix(version, "2.6.") { // the name before 2.7
			buffer = "buffer_requests"
		}
		conf, err := write(dir, "Caddyfile", fmt.Sprintf(`{
	admin off
	auto_https off
}
http://127.0.0.1:%d {
	reverse_proxy %s {
		flush_interval -1
		%s
		transport http {
			keepalive_idle_conns_per_host 4096
			compression off
		}
	}
}
`, port, upstream, buffer))
		cmd := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", conf)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
		return cmd, err
	},
}

var mitmdump = Subject{Name: "mitmdump", About: "reverse mode, writes a flow file; passes an answer when it is whole", Buffers: true,
	version: installed("mitmdump", "--version"),
	command: func(_ *Bench, dir, upstream string, port int) (*exec.Cmd, error) {
		data := filepath.Join(dir, "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			return nil, err
		}
		return exec.Command("mitmdump", "-q", "--set", "confdir="+dir, "--mode", "reverse:http://"+upstream, "--listen-host", "127.0.0.1",
			"--listen-port", strconv.Itoa(port), "-w", filepath.Join(data, "flows")), nil
	},
}

// The gateway that is installed; a fresh install of its own ranges answers 500 to streams.
const portkeyVersion, honoVersion, honoServerVersion = "1.15.2", "4.9.7", "1.13.8"

var portkey = Subject{Name: "portkey", About: "Portkey's gateway, an AI gateway on Node; records nothing on the disk",
	version: func(b *Bench) (string, error) {
		node, err := exec.Command("node", "--version").Output()
		if err != nil {
			return "", errors.New("node is not installed")
		}
		if _, err := os.Stat(b.portkeyServer()); err != nil {
			return "", errors.New("it is not installed: run with -install")
		}
		return portkeyVersion + ", node " + strings.TrimSpace(string(node)), nil
	},
	command: func(b *Bench, dir, _ string, port int) (*exec.Cmd, error) {
		cmd := exec.Command("node", b.portkeyServer(), "--port="+strconv.Itoa(port), "--headless")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "NODE_ENV=production", "TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost")
		return cmd, nil
	},
	target: func(addr, upstream string) client.Target {
		return client.Target{Addr: addr,
			Paths:  map[payload.Format]string{payload.Chat: payload.Chat.Path()},
			Header: map[string]string{"x-portkey-provider": "openai", "x-portkey-custom-host": "http://" + upstream + "/v1"}}
	},
}

// asRoot is words that only root's configuration needs: nginx gives up being
// root, and could not write to our folder then.
func asRoot(words string) string {
	if os.Getuid() != 0 {
		return ""
	}
	return words
}

func (b *Bench) portkeyServer() string {
	return filepath.Join(b.Tools, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js")
}

// Install gets with npm what no distribution has.
func (b *Bench) Install() error {
	if err := os.MkdirAll(b.Tools, 0o755); err != nil {
		return err
	}
	// Overrides, since the gateway would bring a server of its own that fails.
	_, err := write(b.Tools, "package.json", fmt.Sprintf(`{"private": true,
	"dependencies": {"@portkey-ai/gateway": %q, "hono": %q, "@hono/node-server": %q},
	"overrides": {"hono": "$hono", "@hono/node-server": "$@hono/node-server"}}
`, portkeyVersion, honoVersion, honoServerVersion))
	if err != nil {
		return err
	}
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund")
	cmd.Dir = b.Tools
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w: %s", err, out)
	}
	return nil
}

var number = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// installed finds a program on the PATH and asks it for its version.
func installed(name, flag string) func(*Bench) (string, error) {
	return func(*Bench) (string, error) {
		if _, err := exec.LookPath(name); err != nil {
			return "", errors.New("it is not installed")
		}
		out, err := exec.Command(name, flag).CombinedOutput() // nginx tells it on stderr
		return number.FindString(string(out)), err
	}
}

func write(dir, name, text string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
