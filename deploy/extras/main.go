// Command extras writes what the archives and packages carry beside the
// program, the manual page and the shell completions, into a folder:
//
//	go run ./deploy/extras -version 1.2.3 -date 2026-01-31T12:00:00Z share
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/cli"
)

func main() {
	version := flag.String("version", "devel", "version that the manual names")
	date := flag.String("date", "", "date of the release, RFC 3339; today unless given")
	flag.Parse()
	if err := write(flag.Arg(0), *version, *date); err != nil {
		fmt.Fprintln(os.Stderr, "extras:", err)
		os.Exit(1)
	}
}

func write(dir, version, date string) error {
	if dir == "" {
		return fmt.Errorf("give the folder to write to")
	}
	when := time.Now()
	if date != "" {
		var err error
		if when, err = time.Parse(time.RFC3339, date); err != nil {
			return fmt.Errorf("-date: %w", err)
		}
	}
	return cli.WriteExtras(dir, version, when)
}
