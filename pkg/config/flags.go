package config

import (
	"fmt"

	"github.com/spf13/pflag"
)

// AddFlags adds the flags of the named settings, or of all that have one. What
// is given to them is read by Load; a value that cannot be used is an error
// already when the command line is parsed.
func AddFlags(fs *pflag.FlagSet, names ...string) {
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	for _, s := range table {
		if s.Secret || s.NoFlag || len(wanted) > 0 && !wanted[s.Name] {
			continue
		}
		f := fs.VarPF(&flagValue{setting: s, text: s.Default}, s.Name, "", fmt.Sprintf("%s: %s (%s)", s.Help, s.Accepts, s.Var))
		if s.Bool {
			f.NoOptDefVal = "true"
		}
	}
}

// flagValue keeps a flag's text, and checks it against a setting that is thrown away.
type flagValue struct {
	setting Setting
	text    string
}

func (f *flagValue) String() string { return f.text }
func (f *flagValue) Type() string {
	if f.setting.Bool {
		return "bool"
	}
	return "string"
}

func (f *flagValue) Set(text string) error {
	if err := f.setting.bind(&Config{})(text); err != nil {
		return fmt.Errorf("%s; accepted: %s", err, f.setting.Accepts)
	}
	f.text = text
	return nil
}
