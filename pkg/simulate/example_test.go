package simulate_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// A model that calls a tool and then sums up what it returned.
func Example() {
	srv := simulate.New(simulate.Options{Answer: simulate.Turns(
		simulate.Say(simulate.Call("get_weather", `{"city":"Paris"}`)),
		simulate.Say(simulate.Text("It is mild in Paris.")),
	)})
	url, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	// The second turn of a conversation, in Ollama's format.
	res, err := http.Post(url+"/api/chat", "application/json", strings.NewReader(`{"model": "m", "stream": false, "messages": [
		{"role": "user", "content": "What is the weather in Paris?"},
		{"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]},
		{"role": "tool", "content": "20 degrees"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Println(strings.Contains(string(body), "It is mild in Paris."))
	// Output: true
}
