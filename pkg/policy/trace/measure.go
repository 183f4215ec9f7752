package trace

import (
	"context"
	"io"
	"sync"
)

// Measure replays the runs of a trace on several goroutines and counts what became
// of them. replayer makes the replayer of each. A trace is read as a stream: no more
// of it is held than the goroutines work on. Where it cannot be read to its end, what
// came before is counted.
func (t *Table) Measure(ctx context.Context, in io.Reader, workers int, replayer func() *Replayer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan line, workers)
	tables := make([]Table, workers)
	var done sync.WaitGroup
	for i := range tables {
		done.Go(func() {
			replay := replayer().Replay
			for l := range work {
				run, err := l.run()
				if err != nil {
					cancel(err)
					continue
				}
				tables[i].Add(run, replay)
			}
		})
	}
	err := feed(ctx, in, work)
	close(work)
	done.Wait()
	for i := range tables {
		t.merge(&tables[i])
	}
	if err == nil {
		err = context.Cause(ctx) // the last line may have been a bad one
	}
	return err
}

func feed(ctx context.Context, in io.Reader, work chan<- line) error {
	for l, err := range lines(in) {
		if err != nil {
			return err
		}
		select {
		case work <- l:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
