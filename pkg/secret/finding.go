package secret

// Kind says what was found.
type Kind string

// The kinds. KindSecret and KindKnown are secrets, the others personal data.
const (
	KindSecret Kind = "secret"       // a rule's
	KindKnown  Kind = "known_secret" // a value that the caller knows, such as a key from the environment
	KindEmail  Kind = "email"
	KindCard   Kind = "card"
	KindIBAN   Kind = "iban"
	KindSSN    Kind = "ssn"  // United States, social security number
	KindITIN   Kind = "itin" // United States, taxpayer number
	KindNINO   Kind = "nino" // United Kingdom, national insurance number
	KindPhone  Kind = "phone"
	KindIP     Kind = "ip"
	KindMAC    Kind = "mac"
	KindCrypto Kind = "crypto" // an address that money is sent to
	KindURL    Kind = "url"
)

// Secret tells whether the kind is a secret, and not personal data.
func (k Kind) Secret() bool { return k == KindSecret || k == KindKnown }

// Finding says what stands where. It never holds the value.
type Finding struct {
	Kind Kind
	// Rule is the rule that found a secret, or the name of a known one.
	Rule string
	// Start and End are the bytes [Start, End) of the text.
	Start, End int
}
