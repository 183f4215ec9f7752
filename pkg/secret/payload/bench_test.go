package payload

import (
	"fmt"
	"strings"
	"testing"
)

// prose and dense are texts of about 200 kB, as in the benchmarks of secret.
var (
	prose = strings.Repeat(`The team met on Tuesday to look at the plan for the next quarter. Everyone agreed that the key question is how
we access the old archive, and who keeps the token of appreciation for the secretary. They'd asked for an API that is
easy to author, with a capital letter; the author's monkey was not amused. "It was a secret," she said, "and nobody's
passport was checked at the door: password, please!" Then the curtain fell, and the audience asked for more details, e.g.
the date of the next show, the cost of tickets (about $45.00), and whether the hall's heating had been fixed by then.
`, 350)
	dense = strings.Repeat(`api_key = "not-a-real-value-here"
export GITHUB_TOKEN=${GITHUB_TOKEN}
client_secret: "<your-client-secret>", access_token => nil; auth_token = os.environ["AUTH_TOKEN"]
password = "changeme"; passwd = getpass(); credentials.json, token_url = https://example.com/oauth/token
slack_api_key = config.get("slack.api.key"), datadog_api_key: null, heroku api key = none, twitter token = abc
const apiKey = process.env.API_KEY || "8cf1ab9c02d14e7fb6a05d3c7e9f1b24"
`, 400)
)

// history is a chat of n messages with a text of about the same size together.
func history(n int, text string) string {
	var b strings.Builder
	b.WriteString(`{"model":"gpt-5","stream":true,"messages":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		part := text[i*len(text)/n : (i+1)*len(text)/n]
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, `{"role":"user","content":%s}`, quote(part))
		case 1:
			fmt.Fprintf(&b, `{"role":"assistant","tool_calls":[{"id":"call_%d","type":"function","function":{"name":"write","arguments":%s}}]}`, i, quote(quote(map[string]any{"path": "notes.txt", "text": part})))
		default:
			fmt.Fprintf(&b, `{"role":"tool","tool_call_id":"call_%d","content":[{"type":"text","text":%s}]}`, i-1, quote(part))
		}
	}
	b.WriteString(`]}`)
	return b.String()
}

func BenchmarkScan(b *testing.B) {
	tools := strings.Repeat(`{"type":"function","function":{"name":"read_file","description":"Reads a file of the project and returns its text.","parameters":{"type":"object","properties":{"path":{"type":"string","description":"The file's path, relative to the root."},"access_token":{"type":"string"},"limit":{"type":"integer"}},"required":["path"],"additionalProperties":false}}},`, 500)
	for _, c := range []struct{ name, body string }{
		{"prose", history(40, prose)},
		{"dense", history(40, dense)},
		{"tools", `{"tools":[` + tools + `{}]}`},
		{"image", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + noise(1, 1<<20, mixed+"+/") + `"}},{"type":"text","text":"What is this?"}]}]}`},
		{"base64", `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + noise(1, 1<<20, mixed+"+/") + `"}}]}]}`},
	} {
		b.Run("new/"+c.name, func(b *testing.B) {
			s := secretsOnly(b)
			s.seen.most = 0
			benchmark(b, s, c.body)
		})
	}
	for _, n := range []int{5, 40, 200} {
		b.Run(fmt.Sprintf("seen/%d", n), func(b *testing.B) {
			s := secretsOnly(b)
			body := history(n, prose)
			scan(b, s, body)
			benchmark(b, s, body)
		})
	}
}

// BenchmarkScanNext adds a message of 1 kB to a history of 200 kB.
func BenchmarkScanNext(b *testing.B) {
	s := secretsOnly(b)
	body := strings.TrimSuffix(history(200, prose), "]}")
	scan(b, s, body+"]}")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := s.Scan([]byte(fmt.Sprintf(`%s,{"role":"user","content":"%d %s"}]}`, body, i, prose[:64])), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmark(b *testing.B, s *Scanner, body string) {
	data := []byte(body)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Scan(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}
