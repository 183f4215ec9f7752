package secret

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnvironment(t *testing.T) {
	got := FromEnvironment([]string{
		"OPENAI_API_KEY=sk-0123456789", "db_password = no", "DB_PASSWORD= s3cr3t pass ", "PATH=/usr/bin:/bin", "PWD=/home/user/code",
		"SSH_AUTH_SOCK=/tmp/ssh-agent.sock", "KEYBOARD=us-international", "AUTH_MODE=optional", "GITHUB_TOKEN=ghp_abcdef0123", "TOKEN=short", "BROKEN",
		"DATABASE_DSN=postgres://u:p@localhost/db", "MY_SECRET=correcthorsebatterystaple",
		"PGPASSWORD=Tr0ub4dor", "githubToken=abc123def456", "MONKEY=12345678abc", "_=", "=C:=C:\\Users",
		"DATABASE_URL=postgres://app:s3cr3t%21pass@db.example/app", "REDIS_URL=redis://:password@localhost:6379", "CACHE_URL=redis://localhost:6379",
		"AUTH_URL=https://login.example.com/oauth", "TOKEN_ENDPOINT=https://login.example.com/oauth", "KEYCLOAK_AUTH=https://login.example.com/",
		"SENTRY_DSN=https://0123456789abcdef@o1.ingest.example/1", "SSL_KEY=./certs/server.key", "GOOGLE_APPLICATION_CREDENTIALS=~/sa.json",
		"AUTH_CLIENT_ID=1234-abc.apps.example", "SIGNED_TOKEN=https://files.example/a?sig=0123456789",
	})
	want := []Known{
		{"OPENAI_API_KEY", "sk-0123456789"}, {"DB_PASSWORD", "s3cr3t pass"}, {"GITHUB_TOKEN", "ghp_abcdef0123"},
		{"DATABASE_DSN", "postgres://u:p@localhost/db"}, {"MY_SECRET", "correcthorsebatterystaple"},
		{"PGPASSWORD", "Tr0ub4dor"}, {"githubToken", "abc123def456"}, {"DATABASE_URL", "s3cr3t!pass"},
		{"SENTRY_DSN", "https://0123456789abcdef@o1.ingest.example/1"}, {"SIGNED_TOKEN", "https://files.example/a?sig=0123456789"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A secret of a .env file is found in that file's lines too, escapes and all.
func TestKnownFromEnvironment(t *testing.T) {
	const value = `p"ss \w0rd` + "\nétoile"
	lit, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	known := FromEnvironment([]string{"DB_PASSWORD=" + value})
	if d := cmp.Diff([]Known{{"DB_PASSWORD", value}}, known); d != "" {
		t.Fatal(d)
	}
	d, err := New(Options{Known: known})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{value, string(lit), "DB_PASSWORD=" + string(lit) + "\n"} {
		if found := d.Scan(text); len(found) != 1 || found[0].Rule != "DB_PASSWORD" {
			t.Errorf("%v in %q", found, text)
		}
	}
}
