package secret

// kindSet is a set of kinds of personal data.
type kindSet uint32

var personalKinds = []Kind{KindEmail, KindCard, KindIBAN, KindSSN, KindITIN, KindNINO, KindPhone, KindIP, KindMAC, KindCrypto, KindURL}

func (s *kindSet) add(k Kind) bool {
	for i, p := range personalKinds {
		if p == k {
			*s |= 1 << i
			return true
		}
	}
	return false
}

func (s kindSet) scan(dst []Finding, text string) []Finding { return dst }
