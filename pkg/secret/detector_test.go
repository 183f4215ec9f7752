package secret

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// expressions returns the rules' expressions as they stand in the file.
func expressions(t testing.TB) map[string]string {
	t.Helper()
	var file struct {
		Rules []struct{ ID, Regex string }
	}
	if err := json.Unmarshal(rulesJSON, &file); err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, r := range file.Rules {
		m[r.ID] = r.Regex
	}
	return m
}

// noise makes characters that no one has written, always the same for a seed.
func noise(seed uint64, n int, alphabet string) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lowerNum = "abcdefghijklmnopqrstuvwxyz0123456789"
	mixed    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lowerNum
	hexa     = "0123456789abcdef"
	base32   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

func TestSecrets(t *testing.T) {
	d := secretsOnly(t)
	pem := "-----BEGIN EC PRIVATE KEY-----\n" + noise(1, 64, mixed) + "\n" + noise(2, 64, mixed) + "\n-----END EC PRIVATE KEY-----"
	for _, c := range []struct{ rule, before, secret, after string }{
		{"aws-access-token", "id: ", "AKIA" + noise(3, 16, base32), "\n"},
		{"github-pat", "git clone https://x:", "ghp_" + noise(4, 36, mixed), "@github.com/a/b"},
		{"anthropic-api-key", "ANTHROPIC_API_KEY=", "sk-ant-api03-" + noise(5, 93, mixed) + "AA", "\n"},
		{"openai-api-key", `"key": "`, "sk-proj-" + noise(6, 74, mixed) + "T3BlbkFJ" + noise(7, 74, mixed), `"`},
		{"stripe-access-token", "stripe(", "sk_live_" + noise(8, 24, mixed), " )"},
		{"slack-bot-token", "slack: ", "xoxb-" + noise(9, 12, "0123456789") + "-" + noise(10, 12, "0123456789") + noise(11, 24, mixed), ""},
		{"jwt", "Bearer ", "eyJhbGciOiJIUzI1NiJ9." + "eyJ" + noise(12, 30, mixed) + "." + noise(13, 43, mixed), ""},
		{"generic-api-key", "client_secret = '", noise(14, 32, lowerNum), "'"},
		{"generic-api-key", `{"access_token":"`, noise(15, 40, mixed), `"}`},
		{"private-key", "my key:\n", pem, "\nthat is it"},
		{"private-key", `{"key": "`, strings.ReplaceAll(pem, "\n", `\n`), `"}`},
		{"cloudflare-api-key", "export CLOUDFLARE_TOKEN=\"", noise(16, 40, lowerNum), "\""},
		{"curl-auth-header", "curl \\\n  -H 'Accept: */*' \\\n  -H 'Authorization: Bearer ", noise(17, 30, lowerNum), "' https://x"},
		{"kubernetes-secret-yaml", "kind: Secret\nmetadata:\n  name: a\ndata:\n  ", "pw: " + noise(18, 24, mixed), "\n"},
	} {
		text := c.before + c.secret + c.after
		for _, in := range []string{text, strings.Repeat("Some prose about nothing. ", 50) + text, "ünïcödé \xff " + text + " more"} {
			found := d.Scan(in)
			if len(found) != 1 || in[found[0].Start:found[0].End] != c.secret || found[0].Rule != c.rule || found[0].Kind != KindSecret {
				t.Errorf("%s: %+v in %q", c.rule, found, in)
			}
		}
	}
}

func TestNoSecrets(t *testing.T) {
	d := secretsOnly(t)
	for _, text := range []string{
		"", "The key to success is access to good tokens of information.", prose()[:4000],
		`api_key = "YOUR_API_KEY_HERE"`, `token: ${GITHUB_TOKEN}`, `password = os.environ["DB_PASSWORD"]`,
		`secret_name: my-application-secrets`, `author = "someone-with-a-long-name-2024"`,
		"OP_TOKEN=ops_eyJzaWduSW5BZGRy...", "token = 'abcdefghi0123456789'",
		"api_token = " + strings.ToUpper(noise(1, 20, hexa)) + noise(2, 20, hexa), // hexadecimal in both cases
		"key = " + noise(3, 30, mixed),
		"slack_token = xoxp-1-2-3-abcdef0123", // shorter than any
		"client_secret = REDACTED_SECRET_0123456789abcdef",
		"-----BEGIN PUBLIC KEY-----\n" + noise(4, 128, mixed) + "\n-----END PUBLIC KEY-----",
	} {
		if found := d.Scan(text); len(found) > 0 {
			t.Errorf("%+v in %q", found, text)
		}
	}
}

func TestKeyOfACipherIsASecret(t *testing.T) {
	d := secretsOnly(t)
	for _, key := range []string{noise(5, 64, hexa), base64.StdEncoding.EncodeToString([]byte(noise(6, 32, mixed)))} {
		if text := `"key": "` + key + `"`; len(d.Scan(text)) != 1 {
			t.Errorf("%q is let go", text)
		}
	}
}

func TestFilesOfAKind(t *testing.T) {
	d := secretsOnly(t)
	text := `"secret_key" => "sk_` + noise(7, 29, mixed) + `"`
	for path, want := range map[string]int{"a.php": 1, "": 1, "a.html": 0} {
		found := d.ScanFile(path, text)
		n := 0
		for _, f := range found {
			if f.Rule == "freemius-secret-key" {
				n++
			}
		}
		if n != want {
			t.Errorf("%q: %+v", path, found)
		}
	}
}

func TestKnown(t *testing.T) {
	value := `hunter2/"long" & odd+value`
	d, err := New(Options{Known: []Known{{"MY_KEY", value}, {"SHORT", "abc"}, {"EMPTY", ""}}})
	if err != nil {
		t.Fatal(err)
	}
	quoted, _ := json.Marshal(value)
	for name, in := range map[string]string{
		"as it is": value, "in JSON": string(quoted[1 : len(quoted)-1]),
		"in a query": url.QueryEscape(value), "in a path": url.PathEscape(value),
		"in base64":             base64.StdEncoding.EncodeToString([]byte(value)),
		"in base64, one before": base64.StdEncoding.EncodeToString([]byte("a" + value)),
		"in base64, in a pair":  base64.URLEncoding.EncodeToString([]byte("user:" + value)),
		"in base64, with more":  base64.RawStdEncoding.EncodeToString([]byte("ab" + value + "tail")),
	} {
		text := "x " + in + " y"
		found := d.Scan(text)
		if len(found) != 1 || found[0].Kind != KindKnown || found[0].Rule != "MY_KEY" {
			t.Errorf("%s: %+v", name, found)
			continue
		}
		left := redact(text, found)
		for _, b := range strings.Fields(strings.ReplaceAll(left, "█", " ")) {
			if raw, err := base64.RawStdEncoding.DecodeString(b); err == nil && strings.Contains(string(raw), "hunter2") {
				t.Errorf("%s: %q is left", name, left)
			}
		}
	}
	if found := d.Scan("abc, and hunter2 alone"); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestPersonal(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		yes    []string
		no     []string
		around bool // also in the middle of a sentence
	}{
		{KindEmail, []string{"a.b+c@mail.example.co.uk", "x@example.museum"}, []string{"a@b", "@example.com", "user@host.1", "a @ b.com"}, true},
		{KindCard, []string{"4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "5555-5555-5555-4444", "6011000990139424"},
			[]string{"4111111111111112", "0.4111111111111111", "x4111111111111111", "1234567812345670", "41111111-11111111-1", "4111111111111111.5"}, true},
		{KindIBAN, []string{"DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO93-8601-1117-947"}, []string{"DE89370400440532013001", "ZZ89370400440532013000", "DE8937040044053201300", "xDE89370400440532013000"}, true},
		{KindSSN, []string{"123-45-6789", "123 45 6789"}, []string{"000-45-6789", "666-45-6789", "923-45-6789", "123-00-6789", "123-45-0000", "123-45 6789", "1123-45-6789", "123-45-67890"}, true},
		{KindITIN, []string{"912-70-1234", "912-701234", "91270-1234"}, []string{"912-69-1234", "912701234", "812-70-1234"}, true},
		{KindNINO, []string{"AB123456C", "ab 12 34 56 c"}, []string{"AB123456E", "BG123456A", "DA123456A", "xAB123456C"}, true},
		{KindPhone, []string{"+49 30 1234567", "(415) 555-0132", "415-555-0132", "tel 030 1234567", "+14155550132"}, []string{"2024-01-02", "order 0301234567", "a+12345678", "1.2.3.4.5.6.7.8", "Hotel 1234567"}, false},
		{KindIP, []string{"10.0.0.1", "2001:db8::1", "fe80::1%eth0", "10.0.0.0/8", "::1"}, []string{"1.2.3", "256.1.1.1", "a::b::c", "std::string", "12:30:45", "f :: Int", "1.2.3.4.5"}, true},
		{KindMAC, []string{"00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"}, []string{"00:1a:2b:3c:4d", "ff:ff:ff:ff:ff:ff", "00:1a:2b:3c:4d:5e:6f", "00:1a-2b:3c:4d:5e"}, true},
		{KindCrypto, []string{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "0x52908400098527886E0F7030069857D2E4169EE7"},
			[]string{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "0x5290840009852788"}, true},
		{KindURL, []string{"https://example.com/a?b=c", "example.org/x"}, []string{"http://localhost", "main.go", "e.g. this"}, true},
	} {
		d, err := New(Options{Personal: []Kind{c.kind}})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.yes {
			for _, text := range []string{v, "It is " + v + ", he said.", "'" + v + "'", "(" + v + ")\n"} {
				found := d.Scan(text)
				if len(found) != 1 || found[0].Kind != c.kind || !strings.Contains(v, text[found[0].Start:found[0].End]) || found[0].End-found[0].Start < len(v)-4 {
					t.Errorf("%s: %+v in %q", c.kind, found, text)
				}
			}
		}
		for _, v := range c.no {
			if found := d.Scan("It is " + v + " here"); len(found) > 0 {
				t.Errorf("%s: %+v in %q", c.kind, found, v)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for _, k := range []Kind{KindSecret, KindKnown, "name", ""} {
		if _, err := New(Options{Personal: []Kind{k}}); err == nil {
			t.Errorf("%q passes for personal data", k)
		}
	}
}

func TestFindingsDoNotOverlap(t *testing.T) {
	secret := "ghp_" + noise(8, 36, mixed)
	d, err := New(Options{Secrets: true, Known: []Known{{"GITHUB_TOKEN", secret}}, Personal: DefaultPersonal})
	if err != nil {
		t.Fatal(err)
	}
	found := d.Scan("github_token = " + secret + "x")
	if len(found) != 1 || found[0].Rule != "GITHUB_TOKEN" {
		t.Errorf("%+v", found)
	}
}

func TestHosts(t *testing.T) {
	var h Hosts
	h.Learn("Read https://Docs.Example.com:8443/a and http://user@[2001:db8::1]:80/, mail bob@mail.example, see example.org/x, www.site.io, main.go and http://localhost:3000.")
	for host, want := range map[string]bool{
		"docs.example.com": true, "example.org": true, "site.io": true, "www.site.io": true, "localhost": true, "[2001:db8::1]": true,
		"www.docs.example.com": true, "example.com": false, "a.docs.example.com": false, "mail.example": false, "main.go": false, "": false,
	} {
		if h.Has(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
	for in, want := range map[string]string{
		"a.b/c": "a.b", "A.B?x": "a.b", "u:p@a.b:1/": "a.b", "a.b\\@c.d": "a.b", "": "", "/a": "", "a.b@c.d#": "c.d", "[::1]:8/": "[::1]", "a.b.": "a.b",
	} {
		if got := hostOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A text without findings costs no allocation.
func TestScanDoesNotAllocate(t *testing.T) {
	d, err := New(Options{Secrets: true, Personal: DefaultPersonal, Known: []Known{{"K", "some known value"}}})
	if err != nil {
		t.Fatal(err)
	}
	text := prose()[:8000] + dense()[:400]
	if len(d.Scan(prose()[:8000])) > 0 {
		t.Fatal("findings in prose")
	}
	clean := strings.ReplaceAll(text[:8200], "8cf1ab9c", "")
	d.Scan(clean)
	if n := testing.AllocsPerRun(20, func() { d.Scan(clean) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// A text that is made to be slow is not: the work grows with its length.
func TestHostileTextsAreBounded(t *testing.T) {
	set, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{"curl ", "curl -u\n", "kind: secret\ndata: x: \n", "data: a: ", "-----BEGIN PRIVATE KEY", `<add key="Password" value="`, "api_key=", "facebook 1"} {
		var e engine
		e.set, e.text = set, strings.Repeat(piece, 100_000/len(piece))
		e.done, e.spent, e.seen = make([]int, len(set.rules)), make([]int, len(set.rules)), make([]int8, len(set.rules))
		e.run()
		for i, n := range e.spent {
			if n > 17*maxSteps+32*len(e.text)+maxSteps {
				t.Errorf("%q: %d steps for %s", piece, n, set.rules[i].id)
			}
		}
	}
}

func TestRules(t *testing.T) {
	set, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	if len(set.rules) < 200 || set.generic == nil || !strings.Contains(string(rulesJSON[:300]), "MIT licence") {
		t.Errorf("%d rules", len(set.rules))
	}
	for _, r := range set.rules {
		if len(r.keywords) == 0 {
			t.Errorf("%s has no keyword", r.id)
		}
	}
}

// The generator writes the embedded file again, byte for byte, where
// GITLEAKS_TOML names gitleaks' default configuration.
func TestGeneratorIsReproducible(t *testing.T) {
	from := os.Getenv("GITLEAKS_TOML")
	if from == "" {
		t.Skip("GITLEAKS_TOML is not set")
	}
	out := filepath.Join(t.TempDir(), "rules.json")
	if msg, err := exec.Command("go", "run", "./gen", "-from", from, "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != string(rulesJSON) {
		t.Errorf("the generator writes other rules (%v)", err)
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"api_key=", "curl -u a:b", "kind: secret\ndata:\n a: " + noise(1, 20, mixed), "AKIA", "\xff\xfe", "-----BEGIN PRIVATE KEY-----", "1.2.3.4:::1", "+49 (", "a@b.c", "GB82 WEST"} {
		f.Add(s, "known value")
	}
	f.Fuzz(func(t *testing.T, text, known string) {
		d, err := New(Options{Secrets: true, Known: []Known{{"K", known}}, Personal: []Kind{KindEmail, KindCard, KindIBAN, KindSSN, KindITIN, KindNINO, KindPhone, KindIP, KindMAC, KindCrypto, KindURL}})
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for _, x := range d.Scan(text) {
			if x.Start < last || x.End <= x.Start || x.End > len(text) || x.Kind == "" {
				t.Fatalf("%+v", x)
			}
			last = x.End
		}
	})
}
