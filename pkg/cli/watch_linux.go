package cli

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// watch notes where a process and its children are connected to, by looking at
// /proc again and again. What lasts shorter than a look is not seen.
type watch struct {
	quit chan struct{}
	done chan []string
}

// looking is how often a watch looks.
const looking = 25 * time.Millisecond

func watchConnections(pid int) *watch {
	w := &watch{quit: make(chan struct{}), done: make(chan []string, 1)}
	go func() {
		seen := map[string]bool{}
		tick := time.NewTicker(looking)
		defer tick.Stop()
		for {
			for _, p := range family(pid) {
				for _, addr := range connections(p) {
					seen[addr.String()] = true
				}
			}
			select {
			case <-tick.C:
			case <-w.quit:
				var out []string
				for addr := range seen {
					out = append(out, addr)
				}
				slices.Sort(out)
				w.done <- out
				return
			}
		}
	}()
	return w
}

// end stops it and returns the addresses beyond this machine.
func (w *watch) end() []string {
	if w == nil {
		return nil
	}
	close(w.quit)
	return <-w.done
}

// family is a process with all below it.
func family(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// proc_pid_stat(5): the name in parentheses may hold anything.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		pid, err1 := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if len(fields) < 2 || err1 != nil {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// connections are the addresses beyond this machine to which a process has TCP
// connections.
func connections(pid int) []netip.AddrPort {
	dir := "/proc/" + strconv.Itoa(pid)
	inodes := map[string]bool{}
	fds, _ := os.ReadDir(dir + "/fd") // it may have ended
	for _, fd := range fds {
		if link, err := os.Readlink(dir + "/fd/" + fd.Name()); err == nil && strings.HasPrefix(link, "socket:[") {
			inodes[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] = true
		}
	}
	if len(inodes) == 0 {
		return nil
	}
	var out []netip.AddrPort
	for _, table := range []string{"/net/tcp", "/net/tcp6"} {
		if b, err := os.ReadFile(dir + table); err == nil {
			out = append(out, remotes(b, inodes)...)
		}
	}
	return out
}

// remotes reads /proc/net/tcp (proc_pid_net(5)): the remote ends beyond loopback
// of the sockets with those inodes.
func remotes(table []byte, inodes map[string]bool) []netip.AddrPort {
	const listening = "0A"
	var out []netip.AddrPort
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 || !inodes[f[9]] || f[3] == listening {
			continue
		}
		if addr, ok := kernelAddr(f[2]); ok && addr.Port() != 0 && !addr.Addr().IsLoopback() && !addr.Addr().IsUnspecified() {
			out = append(out, addr)
		}
	}
	return out
}

// kernelAddr reads 0100007F:2328: the address in words of the machine's order,
// which is little-endian wherever this program is built for, and the port.
func kernelAddr(s string) (netip.AddrPort, bool) {
	ip, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(ip)
	n, err1 := strconv.ParseUint(port, 16, 16)
	if err != nil || err1 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}
