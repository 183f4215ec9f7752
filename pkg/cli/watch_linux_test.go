package cli

import (
	"fmt"
	"testing"
)

func TestRemotes(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1
   1: 0202000A:9C40 22D81268:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 12 1
   2: 0100007F:9C41 0100007F:2328 01 00000000:00000000 00:00000000 00000000  1000        0 13 1
   3: 0202000A:9C42 01010101:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 99 1
   4: 0000000000000000FFFF00000100007F:9C43 0000000000000000FFFF000008080808:01BB 01 0:0 00:0 0 1000 0 14 1
   5: B80D01200000000000000000020000 B80D0120000000000000000001000000:01BB 01 0:0 00:0 0 1000 0 15 1
   6: broken
`
	got := fmt.Sprint(remotes([]byte(table), map[string]bool{"11": true, "12": true, "13": true, "14": true, "15": true}))
	if want := "[104.18.216.34:443 8.8.8.8:443 [2001:db8::1]:443]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
