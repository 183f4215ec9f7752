package secret

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnvironment(t *testing.T) {
	got := FromEnvironment([]string{
		"OPENAI_API_KEY=sk-0123456789", "db_password = no", "DB_PASSWORD= s3cr3t pass ", "PATH=/usr/bin:/bin", "PWD=/home/user/code",
		"SSH_AUTH_SOCK=/tmp/ssh-agent.sock", "KEYBOARD=us-international", "AUTH_MODE=optional", "GITHUB_TOKEN=ghp_abcdef0123", "TOKEN=short", "BROKEN",
		"DATABASE_DSN=postgres://u:p@localhost/db", "MY_SECRET=correcthorsebatterystaple",
	})
	want := []Known{
		{"OPENAI_API_KEY", "sk-0123456789"}, {"DB_PASSWORD", "s3cr3t pass"}, {"GITHUB_TOKEN", "ghp_abcdef0123"},
		{"DATABASE_DSN", "postgres://u:p@localhost/db"}, {"MY_SECRET", "correcthorsebatterystaple"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
