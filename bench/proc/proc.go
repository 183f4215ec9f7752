// Package proc reads from the Linux kernel what processes and the machine have
// used: CPU time, memory, descriptors, disk.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Tree returns pid and everything that descends from it, pid first.
func Tree(pid int) []int {
	children := map[int][]int{}
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return []int{pid}
	}
	for _, d := range dirs {
		child, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if fields := stat(child); len(fields) > 1 {
			if parent, err := strconv.Atoi(fields[1]); err == nil {
				children[parent] = append(children[parent], child)
			}
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree
}

// stat returns the fields of /proc/PID/stat behind the command's name, which
// may itself hold spaces and parentheses: the first is the state.
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

// CPU returns the CPU time that the processes have used in all their threads,
// ended ones included, in nanoseconds of the scheduler. It reads each process's
// CPU clock (clock_getcpuclockid(3)); the ticks of /proc/PID/stat are too coarse
// for samples of a few hundred requests. A process that is gone counts nothing.
func CPU(pids []int) time.Duration {
	var sum time.Duration
	for _, pid := range pids {
		var ts unix.Timespec
		const cpuclockSched = 2 // linux/posix-timers.h: CPUCLOCK_SCHED of a process
		if err := unix.ClockGettime(int32(^pid<<3|cpuclockSched), &ts); err == nil {
			sum += time.Duration(ts.Nano())
		}
	}
	return sum
}

// Memory is resident memory in bytes, summed over processes; pages that they
// share are counted in each.
type Memory struct {
	Now  int64
	Peak int64 // since each process began
}

// ResidentMemory reads VmRSS and VmHWM of the processes.
func ResidentMemory(pids []int) Memory {
	var m Memory
	for _, pid := range pids {
		m.Now += statusField(pid, "VmRSS:") << 10
		m.Peak += statusField(pid, "VmHWM:") << 10
	}
	return m
}

// Threads returns how many threads a process has.
func Threads(pid int) int64 { return statusField(pid, "Threads:") }

// Descriptors returns how many files a process has open.
func Descriptors(pid int) int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(all)
}

// statusField returns the number behind a name in /proc/PID/status; 0 if there is none.
func statusField(pid int, name string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, _ := strconv.ParseInt(f[0], 10, 64) // the kernel writes numbers
				return n
			}
		}
	}
	return 0
}

// DiskUsage returns the bytes that the regular files under dir take on the disk
// (their blocks, not their sizes: a journal may be sparse).
func DiskUsage(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // files of a running server come and go
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err == nil {
			sum += st.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// Settle waits until the processes have rested for quiet: less than two
// milliseconds of CPU in each tenth of a second. What a recorder does behind the
// answers is part of their cost, so samples end with it. After limit it gives up
// and returns false.
func Settle(pids []int, quiet, limit time.Duration) bool {
	const pause, rest = 100 * time.Millisecond, 2 * time.Millisecond
	since := time.Now()
	for end := since.Add(limit); time.Since(since) < quiet; {
		if time.Now().After(end) {
			return false
		}
		before := CPU(pids)
		time.Sleep(pause)
		if CPU(pids)-before >= rest {
			since = time.Now()
		}
	}
	return true
}
