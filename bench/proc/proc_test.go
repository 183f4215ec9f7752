package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestCPU compares the clock of a child that spins with the wall.
func TestCPU(t *testing.T) {
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var used time.Duration
	for used < 50*time.Millisecond {
		if used = CPU([]int{cmd.Process.Pid}); time.Since(start) > time.Minute {
			t.Fatalf("a spinning child used %v in a minute", used)
		}
	}
	if wall := time.Since(start); used > wall+20*time.Millisecond {
		t.Errorf("one thread used %v in %v", used, wall)
	}
	if own := Tree(os.Getpid()); !slices.Contains(own, cmd.Process.Pid) || own[0] != os.Getpid() {
		t.Errorf("the tree %v lacks the child %d", own, cmd.Process.Pid)
	}
}

func TestMemoryAndDisk(t *testing.T) {
	m := ResidentMemory([]int{os.Getpid()})
	if m.Now < 1<<20 || m.Peak < m.Now {
		t.Errorf("this process has %+v", m)
	}
	if Threads(os.Getpid()) < 1 || Descriptors(os.Getpid()) < 3 {
		t.Errorf("%d threads, %d descriptors", Threads(os.Getpid()), Descriptors(os.Getpid()))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := DiskUsage(dir)
	if err != nil || n < 100_000 || n > 200_000 {
		t.Errorf("100 kB take %d bytes: %v", n, err)
	}
}

func TestMachine(t *testing.T) {
	before, err := MachineUse()
	if err != nil {
		t.Fatal(err)
	}
	Jitter(60 * time.Millisecond)
	after, err := MachineUse()
	if err != nil || after.Busy < before.Busy || after.Busy == 0 {
		t.Errorf("%+v, then %+v: %v", before, after, err)
	}
	if d := Describe(); d.Cores < 1 || d.MemoryMB == 0 || d.Kernel == "" {
		t.Errorf("the machine is %+v", d)
	}
}

func TestSettle(t *testing.T) {
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Long enough for a busy machine to let the child spin in between.
	if Settle([]int{cmd.Process.Pid}, 2*time.Second, 3*time.Second) {
		t.Error("a child that spins is taken to rest")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !Settle([]int{cmd.Process.Pid}, 200*time.Millisecond, time.Minute) {
		t.Error("a child that has ended does not rest")
	}
}
