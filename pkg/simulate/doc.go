// Package simulate is a simulated model provider: one HTTP handler that speaks
// the documented formats of OpenAI (chat completions, responses, models,
// embeddings, files, and the WebSocket modes), Anthropic, Gemini on AI Studio
// and on Vertex AI, Cerebras, x.ai, vLLM and Ollama. Tests use it as the
// upstream, the demo as the model. It costs nothing and needs no network.
//
// It imports no wire package of this project, on purpose: what it writes comes
// from the providers' documents, so that it can prove the decoders wrong.
//
// # Addresses
//
// One server stands for all upstreams. A path may begin with a provider's name
// (openai, anthropic, gemini, vertex, cerebras, xai, vllm, ollama), and with a
// version (v1, v1beta, …) or without:
//
//	http://host/openai/v1   http://host/anthropic   http://host/gemini
//	http://host/vertex      http://host/xai/v1      http://host/ollama
//
// Without a name the path itself tells: /v1/chat/completions is OpenAI's,
// /v1/messages Anthropic's, /v1beta/models/… Gemini's, /v1/projects/… Vertex
// AI's, /api/… Ollama's. Any path below /echo answers what it received.
//
// # The script language
//
// What the simulated model answers is written in the last words of the user,
// between [[sim: and ]], or in the header X-Simulate without the brackets. The
// header wins. Instructions are parted by |:
//
//	[[sim: text "Let me look." | call get_weather {"city":"Paris"} | usage 100 20]]
//
// With no script the answer repeats the user's words, or, after tool results,
// mentions them, so that an agent's loop ends.
//
// What is answered, in the order written:
//
//	text "…"               text; a JSON string, or bare words up to the next |
//	tokens N               text of N words
//	reason "…"             reasoning, in the form in which the provider shows it
//	call NAME {…}          a tool call; a JSON string instead of {…} gives the exact argument text
//	custom NAME "…"        a call of a free-text tool (OpenAI)
//	refuse "…"             a refusal
//	then                   what follows answers the next turn, after the tool results
//
// What is said about it:
//
//	usage IN OUT [cached N] [write N] [reasoning N]
//	                       tokens; IN is all input, OUT all output
//	finish WORD            stop, length, filter or calls; any other word as it is
//	model NAME             the model that the answer names
//	n N                    as many choices
//	events N               the text in exactly N events
//	error STATUS ["…"]     an error in the provider's shape
//
// How it is sent:
//
//	hold D                 nothing is sent for the time D, such as 200ms
//	ttft D                 a wait between the headers and the first event of content
//	delay D                a wait before each further event
//	slow                   delay 50ms
//	pause N D              a silence of D after the Nth event
//	chunk N                written and flushed N bytes at a time
//	gzip, br, zstd, deflate
//	                       compressed, whatever the client accepts
//	crlf, lf               line ends (Gemini's are crlf, all others' lf)
//	comments, blanks       a comment, or two empty lines, before each server-sent event
//	nospace, nolastblank   "data:" without a space; no empty line after the last event
//	header NAME: VALUE     one more response header
//	redirect URL           307 to URL
//	early                  in the header only: answers before reading the request's body
//	close                  closes the connection after the answer and says so
//	drop                   closes it without saying so
//
// How it fails in the middle:
//
//	abort                  the connection ends before a byte was sent
//	cut N                  the connection ends after N events (a whole body: half way)
//	noterminal             the stream ends well, without the format's last events
//	garbage                an event that is not JSON
//	error-midstream [STATUS]
//	                       an error event half way, after a status of 200
//
// Durations are Go's (5ms, 2s). An instruction that cannot be read is answered
// with status 400 and a message that says which.
package simulate
