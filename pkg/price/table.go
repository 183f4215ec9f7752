package price

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

//go:embed prices.json
var embedded []byte

// Info says where the figures of the table come from.
type Info struct {
	// Version names the figures: the day of the source and a digest of the
	// table. It is stored with each cost, so that a later table can be told apart.
	Version string
	Source  string
	Day     string // the day of the source's release, YYYY-MM-DD
	Models  int
}

// table is the embedded file, read.
type table struct {
	info    Info
	vendors map[string]*vendor
}

// vendor holds the models of one provider.
type vendor struct {
	names    map[string]*model
	prefixes []prefix // the longest first
}

type prefix struct {
	text  string
	model *model
}

// model is one model's prices.
type model struct {
	provider string
	name     string
	free     bool
	periods  []period // by day, the earliest first
	tiers    []tier
}

// period is what holds from a day on.
type period struct {
	from  int64 // seconds since 1970, UTC
	rates rates
	above int64 // long holds for requests with more input than this; 0: no such price
	long  rates
}

// tier changes the rates for a service tier: by a factor, or to other rates.
type tier struct {
	name  string
	times factor
	rates *rates
	short bool // not sold for long context
}

// factor is a multiplier in millionths.
type factor int64

const one factor = 1_000_000

// loaded reads the table once. A table that cannot be read leaves every price
// unknown; a test makes sure that ours can be.
var loaded = sync.OnceValues(func() (*table, error) { return readTable(embedded) })

// Table describes the embedded table.
func Table() (Info, error) {
	t, err := loaded()
	return t.info, err
}

func readTable(data []byte) (*table, error) {
	t := &table{vendors: map[string]*vendor{}}
	sum := sha256.Sum256(data)
	s := jsonscan.New(data)
	var err error
	for key := range s.Object() {
		switch string(key) {
		case "source":
			t.info.Source = s.Text()
		case "day":
			t.info.Day = s.Text()
		case "models":
			for range s.Array() {
				if e := t.readModel(s); e != nil && err == nil {
					err = e
				}
			}
		}
	}
	t.info.Version = t.info.Day + "." + hex.EncodeToString(sum[:4])
	if e := s.End(); e != nil {
		err = e
	}
	for _, v := range t.vendors {
		v.sort()
	}
	if err != nil {
		return t, fmt.Errorf("price table: %w", err)
	}
	return t, nil
}

func (t *table) readModel(s *jsonscan.Scanner) error {
	m := &model{}
	var names, prefixes []string
	var err error
	for key := range s.Object() {
		switch string(key) {
		case "provider":
			m.provider = s.Text()
		case "model":
			m.name = s.Text()
		case "free":
			m.free, _ = s.Bool()
		case "names":
			for range s.Array() {
				names = append(names, s.Text())
			}
		case "prefixes":
			for range s.Array() {
				prefixes = append(prefixes, s.Text())
			}
		case "prices":
			for range s.Array() {
				err = keep(err, m.readPeriod(s))
			}
		case "tiers":
			for name := range s.Object() {
				t := tier{name: string(name), times: one}
				err = keep(err, t.read(s))
				m.tiers = append(m.tiers, t)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	v := t.vendors[m.provider]
	if v == nil {
		v = &vendor{names: map[string]*model{}}
		t.vendors[m.provider] = v
	}
	for _, n := range names {
		v.names[n] = m
	}
	for _, p := range prefixes {
		v.prefixes = append(v.prefixes, prefix{p, m})
	}
	t.info.Models++
	return nil
}

func (m *model) readPeriod(s *jsonscan.Scanner) error {
	var p period
	var err error
	for key := range s.Object() {
		switch string(key) {
		case "from":
			day, e := time.Parse(time.DateOnly, s.Text())
			p.from, err = day.Unix(), keep(err, e)
		case "above":
			p.above, _ = s.Int()
		case "rates":
			err = keep(err, p.rates.read(s))
		case "long":
			err = keep(err, p.long.read(s))
		}
	}
	m.periods = append(m.periods, p)
	return err
}

func (t *tier) read(s *jsonscan.Scanner) error {
	var err error
	for key := range s.Object() {
		switch string(key) {
		case "times":
			v, e := llm.ParseDecimal(string(s.Raw()))
			t.times, err = factor(v/(llm.DecimalScale/llm.Decimal(one))), keep(err, e)
		case "rates":
			t.rates = &rates{}
			err = keep(err, t.rates.read(s))
		case "short":
			t.short, _ = s.Bool()
		}
	}
	return err
}

// read reads an object of kinds and prices.
func (r *rates) read(s *jsonscan.Scanner) error {
	var err error
	for key := range s.Object() {
		k, ok := kindOf(key)
		if !ok {
			err = keep(err, fmt.Errorf("a kind that is not known: %s", key))
			continue
		}
		v, e := perUnit(k, string(s.Raw()))
		err = keep(err, e)
		r.put(k, v)
	}
	return err
}

// perUnit reads a price in dollars for a million tokens, or for a thousand
// calls, and returns that of one.
func perUnit(k Kind, dollars string) (llm.Decimal, error) {
	v, err := llm.ParseDecimal(dollars)
	if err != nil {
		return 0, err
	}
	units := llm.Decimal(1_000_000)
	if k.Calls() {
		units = 1000
	}
	if v%units != 0 {
		return 0, fmt.Errorf("%s is finer than a pico-dollar for one", dollars)
	}
	return v / units, nil
}

func keep(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

// at returns the period that holds at a time; the zero time means the newest.
// It returns nil where the model had no price yet.
func (m *model) at(t time.Time) *period {
	if t.IsZero() && len(m.periods) > 0 {
		return &m.periods[len(m.periods)-1]
	}
	for i := len(m.periods) - 1; i >= 0; i-- {
		if m.periods[i].from == 0 || m.periods[i].from <= t.Unix() {
			return &m.periods[i]
		}
	}
	return nil
}

func (m *model) tier(name string) *tier {
	for i := range m.tiers {
		if m.tiers[i].name == name {
			return &m.tiers[i]
		}
	}
	return nil
}
