package trace_test

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
)

// FuzzRead replays anything as a trace: it is read or refused, and each of its calls
// gets a verdict.
func FuzzRead(f *testing.F) {
	run := `{"id":"1","suite":"s","attack":"none","verdict":{"utility":true},"calls":[{"msg":1,"idx":0,"label":"benign"}],"messages":[{"role":"user","content":"Pay the bill."},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"send_money","arguments":"{\"recipient\":\"x\",\"amount\":1}"}}]},{"role":"tool","tool_call_id":"c","content":"done"}]}`
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(run + "\n"))
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "\n", run, run + "\n\n" + run, `{"messages":[{"role":"assistant","tool_calls":[{}]}]}`, `{"messages":null}`, "[]", "\x1f\x8b", zipped.String()} {
		f.Add([]byte(s))
	}
	rules := policy.Default()
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = trace.Tools(bytes.NewReader(data))
		if bytes.HasPrefix(data, []byte("\x1f\x8b")) && len(data) > 1<<10 {
			t.Skip() // what is small may unpack to a lot
		}
		replayer := &trace.Replayer{Analyzer: fact.NewAnalyzer(1 << 20), Policy: rules, Profile: "p"}
		for run, err := range trace.Read(bytes.NewReader(data)) {
			if err != nil {
				return
			}
			for _, j := range replayer.Replay(run).Judged {
				if j.Verdict.Action == "" {
					t.Fatalf("no verdict on call %d of message %d", j.Index, j.Message)
				}
			}
		}
	})
}
