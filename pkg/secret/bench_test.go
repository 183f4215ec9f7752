package secret

import (
	"strings"
	"testing"
)

// prose is ordinary text of about a megabyte.
func prose() string {
	const text = `The team met on Tuesday to look at the plan for the next quarter. Everyone agreed that the key question is how
we access the old archive, and who keeps the token of appreciation for the secretary. They'd asked for an API that is
easy to author, with a capital letter; the author's monkey was not amused. "It was a secret," she said, "and nobody's
passport was checked at the door: password, please!" Then the curtain fell, and the audience asked for more details, e.g.
the date of the next show, the cost of tickets (about $45.00), and whether the hall's heating had been fixed by then.
`
	return strings.Repeat(text, 1<<20/len(text)+1)
}

// dense is text full of names and values that look like keys, some of which are.
func dense() string {
	const text = `api_key = "not-a-real-value-here"
export GITHUB_TOKEN=${GITHUB_TOKEN}
client_secret: "<your-client-secret>", access_token => nil; auth_token = os.environ["AUTH_TOKEN"]
password = "changeme"; passwd = getpass(); credentials.json, token_url = https://example.com/oauth/token
slack_api_key = config.get("slack.api.key"), datadog_api_key: null, heroku api key = none, twitter token = abc
aws_secret_access_key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzzz'
const apiKey = process.env.API_KEY || "8cf1ab9c02d14e7fb6a05d3c7e9f1b24"
`
	return strings.Repeat(text, 1<<20/len(text)+1)
}

func benchmarkScan(b *testing.B, d *Detector, text string) {
	d.Scan(text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d.Scan(text)
	}
}

func BenchmarkProse(b *testing.B) { benchmarkScan(b, secretsOnly(b), prose()) }
func BenchmarkDense(b *testing.B) { benchmarkScan(b, secretsOnly(b), dense()) }

func BenchmarkMeasured(b *testing.B) {
	var benign, keys strings.Builder
	for _, c := range lines[struct{ Text string }](b, "benign-text.jsonl.gz") {
		benign.WriteString(c.Text + "\n")
	}
	for _, c := range lines[secretCase](b, "secrets-gitleaks.jsonl.gz") {
		keys.WriteString(c.Text + "\n")
	}
	b.Run("benign", func(b *testing.B) { benchmarkScan(b, secretsOnly(b), benign.String()) })
	b.Run("keys", func(b *testing.B) { benchmarkScan(b, secretsOnly(b), keys.String()) })
}

func BenchmarkLoadRules(b *testing.B) {
	for b.Loop() {
		if _, err := readRules(rulesJSON); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEditors measures what the editors of an answer cost a word of it.
func BenchmarkEditors(b *testing.B) {
	words := strings.SplitAfter(prose()[:8<<10], " ")
	session := NewSession()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l, r := NewLeaks(LeakOptions{}), session.Restorer(Restoring{})
		for _, w := range words {
			r.Write(l.Write(w))
		}
		n += len(words)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/word")
}
