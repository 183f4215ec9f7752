package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parser reads a setting's text into its place. Its error says what is wrong
// with the text and never repeats it: the setting may be secret.
type parser func(text string) error

func text(p *string) parser {
	return func(s string) error { *p = s; return nil }
}

func secret(p *Secret) parser {
	return func(s string) error { *p = NewSecret(s); return nil }
}

func boolean(p *bool) parser {
	return func(s string) error {
		v, ok := map[string]bool{"true": true, "1": true, "yes": true, "on": true, "false": false, "0": false, "no": false, "off": false}[strings.ToLower(s)]
		if !ok {
			return errors.New("is not a truth value")
		}
		*p = v
		return nil
	}
}

func integer(p *int, least, most int) parser {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil {
			return errors.New("is not a whole number")
		}
		if n < least || n > most {
			return fmt.Errorf("is not between %d and %d", least, most)
		}
		*p = n
		return nil
	}
}

func choice[T ~string](p *T, of ...T) parser {
	return func(s string) error {
		for _, c := range of {
			if string(c) == s {
				*p = c
				return nil
			}
		}
		return errors.New("is not one of them")
	}
}

func treat(p *Treatment) parser { return choice(p, TreatReport, TreatRedact, TreatBlock, TreatOff) }

func checkPersonal(s string) error {
	if !slices.Contains(PersonalKinds, s) {
		return errors.New("names something else")
	}
	return nil
}

func level(p *slog.Level) parser {
	return func(s string) error {
		v, ok := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[strings.ToLower(s)]
		if !ok {
			return errors.New("is not a level")
		}
		*p = v
		return nil
	}
}

func list(p *[]string, each func(string) error) parser {
	return func(s string) error {
		var out []string
		for item := range strings.SplitSeq(s, ",") {
			item = strings.TrimSpace(item)
			if item == "" {
				continue
			}
			if err := each(item); err != nil {
				return err
			}
			out = append(out, item)
		}
		*p = out
		return nil
	}
}

// duration takes what time.ParseDuration takes, and days.
func duration(p *time.Duration, least time.Duration) parser {
	return func(s string) error {
		d, err := parseDuration(s)
		if err != nil {
			return err
		}
		if d < least {
			return fmt.Errorf("is less than %s", least)
		}
		*p = d
		return nil
	}
}

var errDuration = errors.New("is not a duration")

func parseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "", s
	}
	var out time.Duration
	if found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > uint64(math.MaxInt64/(24*time.Hour)) {
			return 0, errDuration
		}
		out = time.Duration(n) * 24 * time.Hour
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || out > math.MaxInt64-d {
			return 0, errDuration
		}
		out += d
	} else if !found {
		return 0, errDuration
	}
	return out, nil
}

// units of sizes: powers of 1000 as in SI, powers of 1024 with an i (IEC 80000-13).
var units = []struct {
	suffix string
	bytes  float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1}, {"", 1},
}

func parseSize(s string) (int64, error) {
	lower := strings.ToLower(strings.TrimSpace(s))
	for _, u := range units {
		number, ok := strings.CutSuffix(lower, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(n >= 0) || n*u.bytes > math.MaxInt64/2 {
			return 0, errors.New("is not a size")
		}
		return int64(n * u.bytes), nil
	}
	return 0, errors.New("is not a size")
}

// size reads into any integer; least and most are in bytes.
func size[T int | int64](p *T, least, most int64) parser {
	return func(s string) error {
		n, err := parseSize(s)
		if err != nil {
			return err
		}
		if n < least || n > most {
			return fmt.Errorf("is not between %d and %d bytes", least, most)
		}
		*p = T(n)
		return nil
	}
}

// CheckBaseURL tells whether an upstream's address can be used: http or https, a
// host, and nothing but a path after it. The error does not repeat the address.
func CheckBaseURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("is not an http or https URL with a host")
	case u.User != nil:
		return errors.New("holds a user name or password; keys have settings of their own")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return errors.New("holds a query or a fragment")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("holds a port that is none")
		}
	}
	return nil
}

func baseURL(p *string) parser {
	return func(s string) error {
		if s != "" {
			if err := CheckBaseURL(s); err != nil {
				return err
			}
		}
		*p = s
		return nil
	}
}

// checkHost takes a name or an address, with or without a port, as a request's
// Host has it.
func checkHost(s string) error {
	u, err := url.Parse("http://" + s)
	if err != nil || u.Host != s || strings.ContainsAny(s, "*_ ") || u.Hostname() == "" {
		return errors.New("holds something that is no host")
	}
	return nil
}

// checkOrigin takes a scheme and a host, as a browser's Origin has it.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || strings.Contains(s, "*") {
		return errors.New("holds something that is no origin")
	}
	return nil
}
