package provider

import (
	"net/http"
	"testing"
)

// BenchmarkWay is all that this package costs one request.
func BenchmarkWay(b *testing.B) {
	set := ready(b, map[string]string{"ARCHESTRA_CHAT_OPENAI_API_KEY": "k"})
	p, _ := Lookup("openai")
	u, err := set.Get(p)
	if err != nil {
		b.Fatal(err)
	}
	in := http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"gzip, br"}, "Authorization": {"Bearer sk-x"}, "Content-Type": {"application/json"},
		"User-Agent": {"OpenAI/Go"}, "X-Stainless-Arch": {"x64"}, "X-Stainless-Lang": {"go"}, "X-Stainless-Os": {"Linux"}, "X-Stainless-Retry-Count": {"0"},
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://localhost/", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		target, err := Resolve(http.MethodPost, "/v1/openai/team-a/v1/chat/completions")
		if err != nil {
			b.Fatal(err)
		}
		req.Header = in
		FilterRequestHeader(req.Header)
		req.URL = u.URL(target.Rest, "")
		if err := u.Authorize(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
