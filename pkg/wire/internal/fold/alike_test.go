package fold

import "testing"

func TestAlike(t *testing.T) {
	first := `{"id":"a","sequence_number":12,"delta":"one","pad":"one","obfuscation":"xy","n":1}`
	var a Alike
	data := []byte(first)
	// The first "one" is the text's, not the second.
	at := len(`{"id":"a","sequence_number":12,"delta":`)
	a.Learn([]byte("e"), data, data[at:at+len(`"one"`)])
	for frame, want := range map[string]string{
		first: `"one"`,
		`{"id":"a","sequence_number":13,"delta":" two","pad":"one","obfuscation":"","n":1}`:                `" two"`,
		`{"id":"a","sequence_number":9,"delta":"ü]}","pad":"one","obfuscation":"qqqq","n":1}`:              `"ü]}"`,
		`{"id":"a","sequence_number":13,"delta":"","pad":"one","obfuscation":"","n":1}`:                    "",
		`{"id":"b","sequence_number":13,"delta":"two","pad":"one","obfuscation":"","n":1}`:                 "",
		`{"id":"a","sequence_number":13,"delta":"two","pad":"two","obfuscation":"","n":1}`:                 "",
		`{"id":"a","sequence_number":013,"delta":"two","pad":"one","obfuscation":"","n":1}`:                "",
		`{"id":"a","sequence_number":-1,"delta":"two","pad":"one","obfuscation":"","n":1}`:                 "",
		`{"id":"a","sequence_number":13,"delta":"t\"wo","pad":"one","obfuscation":"","n":1}`:               "",
		`{"id":"a","sequence_number":13,"delta":"t` + "\n" + `","pad":"one","obfuscation":"","n":1}`:       "",
		`{"id":"a","sequence_number":13,"delta":"two","pad":"one","obfuscation":"\"","n":1}`:               "",
		`{"id":"a","sequence_number":13,"delta":"two","pad":"one","obfuscation":"","n":1}}`:                "",
		`{"id":"a","sequence_number":13,"delta":"two","pad":"one","obfuscation":"","n":1`:                  "",
		`{"id":"a","sequence_number":13,"delta":"two","tool_calls":[],"pad":"one","obfuscation":"","n":1}`: "",
		"": "",
	} {
		got, ok := a.Text([]byte("e"), []byte(frame))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%s: %q, %t", frame, got, ok)
		}
	}
	if _, ok := a.Text([]byte("f"), data); ok {
		t.Error("an event of another name is alike")
	}
	a.Forget()
	if _, ok := a.Text([]byte("e"), data); ok {
		t.Error("a frame is alike to none")
	}
	if a.Learn([]byte("e"), data, []byte(`"one"`)); len(a.parts) > 0 {
		t.Error("a literal of somewhere else was learnt")
	}
}

func FuzzAlike(f *testing.F) {
	f.Add([]byte(`{"a":"x","sequence_number":1}`), []byte(`{"a":"y","sequence_number":2}`), uint(5), uint(8))
	f.Fuzz(func(t *testing.T, data, other []byte, from, to uint) {
		if from > to || to > uint(len(data)) {
			return
		}
		var a Alike
		a.Learn([]byte("e"), data, data[from:to])
		if _, ok := a.Text([]byte("e"), other); ok && len(a.parts) == 0 {
			t.Fatal("alike to nothing")
		}
	})
}
