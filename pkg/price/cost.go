package price

import (
	"cmp"
	"math/bits"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Source says whose word a cost is.
type Source string

// The sources of a cost.
const (
	SourceTable    Source = "table"    // the embedded prices
	SourceOverride Source = "override" // prices of the user's own
	SourceProvider Source = "provider" // the provider stated the cost itself
	SourceLocal    Source = "local"    // a local provider: nothing
)

// maxLines bounds the lines of a breakdown. All kinds fit, and a few advisor
// calls; what does not fit still counts in the sum.
const maxLines = 24

// Breakdown says how a cost came about.
type Breakdown struct {
	Source  Source
	Version string // of the prices
	Model   string // the entry that was found
	Tier    string // standard, batch, flex, priority, fast
	// Long tells that the prices for long context held.
	Long bool
	// Partial tells that the cost is a lower bound: the output was not counted
	// (a stream that broke off), or a call of a provider's tool has no price here.
	Partial bool

	lines [maxLines]Line
	n     int
}

// Line is one part of a cost.
type Line struct {
	Kind  Kind
	Model string // where it is not the answer's own: an advisor that the provider called
	Count int64  // tokens, or calls
	Rate  llm.Decimal
	Cost  llm.Decimal
}

// Lines returns the parts of the cost, which add up to it.
func (b *Breakdown) Lines() []Line { return b.lines[:b.n] }

// Cost tells what an exchange cost, by the embedded prices. See [Book.Cost].
func Cost(provider, model string, at time.Time, usage llm.Usage, tier string) (llm.Decimal, Breakdown, bool) {
	return standard.Cost(provider, model, at, usage, tier)
}

var standard = &Book{}

// Cost tells what an exchange cost.
//
// provider is the name under which archestra serves it. model is the name that
// the response states, or else the request. at is the time of the request; the
// zero time means the newest prices. The service tier is the one that the usage
// states; tier is taken where it states none ("batch" for the results of a
// batch). A cost that the provider states itself wins over any table.
//
// ok is false where the price is not known: an unknown model or tier, or no
// count of tokens. The amount is then 0 and means nothing.
//
// After the first look at a model, Cost allocates nothing unless the provider
// states a cost.
func (b *Book) Cost(provider, model string, at time.Time, usage llm.Usage, tier string) (total llm.Decimal, bd Breakdown, ok bool) {
	var d details
	if len(usage.Raw) > 0 {
		d.read(usage.Raw)
	}
	bd.Version = b.Version()
	if d.hasCost {
		bd.Source, total = SourceProvider, d.cost
		if d.byok {
			total += d.upstreamCost
		}
		return total, bd, true
	}
	e := b.lookup(provider, model)
	if e.model == nil {
		return 0, bd, false
	}
	bd.Source, bd.Model = e.source, e.model.name
	if e.model.free {
		return 0, bd, true
	}
	if usage.InputTokens == nil && usage.OutputTokens == nil {
		return 0, bd, false
	}
	bd.Tier = cmp.Or(tierOf([]byte(usage.ServiceTier)), d.tier, tierOf([]byte(tier)), tierStandard)

	sum := adder{bd: &bd, at: at, fast: d.fast, us: d.us}
	var c counts
	c.split(&usage, &d)
	sum.add(e.model, &c, "")
	if usage.OutputTokens == nil {
		bd.Partial = true
	}
	if d.hasIterations {
		b.addIterations(&sum, provider, e.model, usage.Raw)
	}
	if sum.unknown {
		return 0, bd, false
	}
	if d.fast {
		bd.Tier = "fast"
	}
	return sum.total, bd, true
}

// addIterations adds what Anthropic leaves out of a usage object's own counts:
// the iterations that are no messages of the answer, such as an advisor's turn
// or a compaction, each at its own model's price (Messages API, usage.iterations).
func (b *Book) addIterations(sum *adder, provider string, main *model, raw []byte) {
	var s jsonscan.Scanner
	s.Reset(raw)
	for key := range s.Object() {
		if string(key) != "iterations" {
			continue
		}
		for range s.Array() {
			item := s.Raw()
			u, model, message := readIteration(item)
			if message {
				continue
			}
			m, name := main, ""
			if model != "" {
				m, name = b.lookup(provider, model).model, model
			}
			if m == nil {
				sum.unknown = true
				return
			}
			var d details
			d.read(item)
			var c counts
			c.split(&u, &d)
			sum.add(m, &c, name)
		}
	}
}

func readIteration(item []byte) (u llm.Usage, model string, message bool) {
	var input, output, read, write int64
	var s jsonscan.Scanner
	s.Reset(item)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			var buf [24]byte
			message = string(s.AppendText(buf[:0])) == "message"
		case "model":
			model = s.Text()
		case "input_tokens":
			input = count(&s)
		case "output_tokens":
			output = count(&s)
		case "cache_read_input_tokens":
			read = count(&s)
		case "cache_creation_input_tokens":
			write = count(&s)
		}
	}
	input += read + write
	return llm.Usage{InputTokens: &input, OutputTokens: &output, CacheReadTokens: &read, CacheWriteTokens: &write}, model, message
}

// adder sums the lines of one cost.
type adder struct {
	bd       *Breakdown
	at       time.Time
	fast, us bool
	total    llm.Decimal
	unknown  bool
}

// add prices the counts of one request to a model.
func (a *adder) add(m *model, c *counts, name string) {
	p := m.at(a.at)
	if p == nil {
		a.unknown = true
		return
	}
	input := int64(0)
	for k := KindInput; k < KindOutput; k++ {
		input += c.of[k]
	}
	long := p.above > 0 && input > p.above
	a.bd.Long = a.bd.Long || long
	times := one
	var own *rates
	for _, mark := range [...]string{a.bd.Tier, when(a.fast, "fast"), when(a.us, "us")} {
		if mark == "" || mark == tierStandard {
			continue
		}
		t := m.tier(mark)
		switch {
		case t == nil && mark == "us":
			// Models without a price for the place cost the same everywhere.
		case t == nil || t.short && long:
			a.unknown = true
			return
		default:
			times = times * t.times / one
			if t.rates != nil {
				own = t.rates
			}
		}
	}
	for k := range kinds {
		if c.of[k] > 0 {
			a.line(Line{Kind: k, Model: name, Count: c.of[k]}, p, own, long, times)
		}
	}
}

func (a *adder) line(l Line, p *period, own *rates, long bool, times factor) {
	rate, ok := llm.Decimal(0), false
	if own != nil && !l.Kind.Calls() {
		rate, ok = own.find(l.Kind)
	} else if long && !l.Kind.Calls() {
		rate, ok = p.long.find(l.Kind)
	}
	if !ok {
		rate, ok = p.rates.find(l.Kind)
	}
	if !ok {
		if l.Kind.Calls() {
			a.bd.Partial = true
		} else {
			a.unknown = true
		}
		return
	}
	if l.Kind.Calls() {
		times = one // a tier changes what tokens cost, not what a search costs
	}
	l.Rate = llm.Decimal(int64(rate) * int64(times) / int64(one))
	if l.Cost, ok = multiply(l.Count, rate, times); !ok || a.total+l.Cost < a.total {
		a.unknown = true
		return
	}
	a.total += l.Cost
	if a.bd.n < maxLines {
		a.bd.lines[a.bd.n] = l
		a.bd.n++
	}
}

// multiply returns count × rate × times, rounded to the nearest pico-dollar. ok
// is false where the product does not fit.
func multiply(count int64, rate llm.Decimal, times factor) (llm.Decimal, bool) {
	hi, lo := bits.Mul64(uint64(count), uint64(rate))
	if hi != 0 {
		return 0, false
	}
	hi, lo = bits.Mul64(lo, uint64(times))
	lo, carry := bits.Add64(lo, uint64(one)/2, 0)
	if hi += carry; hi >= uint64(one) {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, uint64(one))
	return llm.Decimal(q), q < 1<<62
}

func when(is bool, s string) string {
	if is {
		return s
	}
	return ""
}

const tierStandard = "standard"

// tierOf maps the providers' words for a service tier to the table's; "" says
// nothing. A word that is not known stays as it is, and has no price.
//
// OpenAI: auto, default, flex, priority, and fast, the newer name for priority.
// Anthropic: standard, priority, batch. Gemini: standard, flex, priority; Vertex
// AI's trafficType: ON_DEMAND, ON_DEMAND_FLEX, ON_DEMAND_PRIORITY, and
// PROVISIONED_THROUGHPUT, which was paid in advance.
func tierOf(word []byte) string {
	var buf [32]byte
	lower := buf[:0]
	for _, c := range word {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower = append(lower, c)
	}
	switch string(lower) {
	case "", "unspecified", "traffic_type_unspecified", "service_tier_unspecified":
		return ""
	case "standard", "auto", "default", "standard_only", "on_demand":
		return tierStandard
	case "batch":
		return "batch"
	case "flex", "on_demand_flex":
		return "flex"
	case "priority", "fast", "on_demand_priority":
		return "priority"
	case "provisioned_throughput", "scale":
		return "provisioned"
	}
	return string(lower)
}
