package proc

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine describes where numbers were taken.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemoryMB int64  `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	Go       string `json:"go"`
}

// Describe reads the machine's description.
func Describe() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = string(bytes.TrimSpace(b))
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		m.MemoryMB = int64(info.Totalram) * int64(info.Unit) >> 20
	}
	return m
}

// Use is CPU time that the whole machine has spent since it started.
type Use struct {
	Busy   time.Duration // in programs and the kernel
	Stolen time.Duration // wanted, and given to another machine by the hypervisor
}

// MachineUse reads /proc/stat, whose unit is a hundredth of a second.
func MachineUse() (Use, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Use{}, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return Use{}, fmt.Errorf("/proc/stat begins with %q", line)
	}
	ticks := func(columns ...int) (sum time.Duration) {
		for _, i := range columns {
			n, _ := strconv.ParseInt(f[i], 10, 64) // the kernel writes numbers
			sum += time.Duration(n) * 10 * time.Millisecond
		}
		return sum
	}
	// user nice system idle iowait irq softirq steal
	return Use{Busy: ticks(1, 2, 3, 6, 7), Stolen: ticks(8)}, nil
}

// Jitter spins for d on one thread and returns the share of the time in which
// something else had the core, counted in gaps above 20 µs. On a calm machine it
// is below one percent.
func Jitter(d time.Duration) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var lost time.Duration
	start := time.Now()
	for last := start; last.Sub(start) < d; {
		now := time.Now()
		if gap := now.Sub(last); gap > 20*time.Microsecond {
			lost += gap
		}
		last = now
	}
	return float64(lost) / float64(d)
}
