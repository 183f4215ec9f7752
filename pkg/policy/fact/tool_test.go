package fact_test

import (
	"encoding/json"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

func TestClass(t *testing.T) {
	for name, want := range map[string]string{
		"get_balance": "read", "listEvents": "read", "search_contacts_by_email": "read", "view_cart": "read", "Read": "read", "Grep": "read",
		"mcp__github__get_issue": "read", "google_web_search": "read", "get_scheduled_transactions": "read",
		"WebFetch": "open_read", "browse_webpage": "open_read", "get_webpage": "open_read", "mcp__playwright__browser_navigate": "open_read",
		"send_money": "effect", "Write": "effect", "apply_patch": "effect", "mcp__slack__post_message": "effect", "update_password": "effect",
		"git_issue": "effect", "input_to_webpage": "effect", "kubectl": "effect", "frobnicate": "effect", "issue_refund": "effect",
		"delete_file": "destructive", "cart_remove_product": "destructive", "dropTable": "destructive", "cancelOrder": "destructive",
		"Bash": "execute", "run_shell_command": "execute", "execute_query": "execute", "shell": "execute",
	} {
		if got := fact.ToolOf(llm.Tool{Name: name}).Class.String(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestToolBySchema(t *testing.T) {
	schema := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, tc := range map[string]struct {
		tool  llm.Tool
		class string
		local bool
	}{
		"a reader with a URL reads the open world": {llm.Tool{Name: "read_document", Parameters: schema(`{"properties":{"document_url":{}}}`)}, "open_read", false},
		"a name without a verb":                    {llm.Tool{Name: "cart_sum", Description: "Calculates the sum of the cart."}, "read", false},
		"a writer of files":                        {llm.Tool{Name: "Write", Parameters: schema(`{"properties":{"file_path":{},"content":{}}}`)}, "effect", true},
		"a download by URL is not local":           {llm.Tool{Name: "download_file", Parameters: schema(`{"properties":{"url":{},"save_dir":{}}}`)}, "effect", false},
		"a shared file is not local":               {llm.Tool{Name: "share_file", Parameters: schema(`{"properties":{"file_path":{},"email":{}}}`)}, "effect", false},
		"an agent's own list":                      {llm.Tool{Name: "TodoWrite", Parameters: schema(`{"properties":{"todos":{}}}`)}, "effect", true},
		"annotations raise":                        {llm.Tool{Name: "update_row", Parameters: schema(`{"annotations":{"destructiveHint":true}}`)}, "destructive", false},
		"annotations raise a reader":               {llm.Tool{Name: "get_row", Parameters: schema(`{"annotations":{"readOnlyHint":false}}`)}, "effect", false},
		"annotations do not lower":                 {llm.Tool{Name: "delete_row", Parameters: schema(`{"annotations":{"readOnlyHint":true,"destructiveHint":false}}`)}, "destructive", false},
		"open world by annotation":                 {llm.Tool{Name: "get_row", Parameters: schema(`{"annotations":{"openWorldHint":true}}`)}, "open_read", false},
		"a broken schema":                          {llm.Tool{Name: "get_row", Parameters: schema(`{"properties":`)}, "read", false},
	} {
		got := fact.ToolOf(tc.tool)
		if got.Class.String() != tc.class || got.Local != tc.local {
			t.Errorf("%s: %s local=%v, want %s local=%v", name, got.Class, got.Local, tc.class, tc.local)
		}
	}
}
