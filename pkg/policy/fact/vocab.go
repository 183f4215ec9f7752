package fact

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Verbs is a set of kinds of doing. A tool has them by its name, a sentence by
// its words; a person asked for a tool's effect where they meet.
type Verbs uint32

// The kinds of doing.
const (
	Send   Verbs = 1 << iota // put words before somebody
	Pay                      // move money
	Buy                      // get goods for money
	Create                   // make a thing that was not there
	Book                     // reserve
	Delete                   // take away
	Change                   // make a thing different
	Grant                    // let somebody in
	Fetch                    // bring a file here
	Visit                    // open a place on the net
	Run                      // execute code
	Prove                    // log in, confirm, enter a code
	React                    // star, like, follow
	Read                     // look, without effect
	Obey                     // do what a text says
	light                    // make, give, place: the noun says what
)

// acting is every kind of doing that has an effect.
const acting = Send | Pay | Buy | Create | Book | Delete | Change | Grant | Fetch | Run | Prove | React

// Nouns is a set of kinds of things.
type Nouns uint32

// The kinds of things.
const (
	Message Nouns = 1 << iota
	Money
	Event
	File
	Web
	Person
	Channel
	Profile
	Password
	Goods
	Repo
	Issue
	Task
	KeyNoun
)

// word is what is known of one word.
type word struct {
	verb  Verbs // as a verb in its base form
	noun  Nouns
	alone bool  // the verb needs no noun: "email Bob", "pay it"
	deed  Verbs // as a noun after a light verb: "make a reservation"
}

// The vocabulary is general English and the words that tools are named with.
// Nothing in it belongs to one tool, one task or one attack.
var verbWords = map[Verbs]string{
	Send:   "send sent resend email mail message dm text reply respond answer forward write post publish tweet comment notify inform tell contact submit announce broadcast greet thank invite share remind deliver relay upload fill input type enter share propose raise chat ping attach push",
	Pay:    "pay repay prepay transfer wire remit refund reimburse donate settle deposit withdraw send charge tip",
	Buy:    "buy rebuy purchase order reorder checkout subscribe get shop",
	Create: "create make add set setup schedule new generate write save put insert append register build compose draft open plan arrange start prepare file issue record log fork init commit propose",
	Book:   "book reserve rebook",
	Delete: "delete remove cancel clear drop destroy erase purge revoke terminate unstar unsubscribe unlink kill uninstall wipe discard empty trash close withdraw kick ban",
	Change: "update change modify edit set rename move reschedule replace patch adjust toggle enable disable reset configure assign mark archive merge approve reject accept reopen correct fix revise amend increase reduce switch alter convert overwrite sync push rotate renew postpone shift add append insert",
	Grant:  "invite share grant permit authorize allow give add transfer onboard enroll admit promote assign accept delegate",
	Fetch:  "download fetch clone pull save import install copy get retrieve grab store export",
	Visit:  "visit browse navigate open go crawl scrape read fetch check access surf follow click look see view summarize load",
	Run:    "execute run exec bash shell eval terminal invoke launch compile spawn start test build",
	Prove:  "login logout verify authenticate confirm signin logon log otp unlock accept",
	React:  "star unstar like unlike follow unfollow upvote vote subscribe rate watch join leave",
	Read: "get list read search find view show query lookup look check describe count calculate compute total summarize info status inspect explore ls cat grep glob head tail stat diff print display retrieve select filter compare analyze analyse parse recommend suggest translate tell give " +
		"think recall know",
	Obey:  "follow complete do perform execute achieve fulfil fulfill address handle finish process accomplish obey resolve act solve help proceed tackle implement respond satisfy meet",
	light: "make give do place put set create issue request have leave perform add complete initiate get",
}

// aloneWords need no noun beside them.
var aloneWords = "email mail message dm reply respond forward pay repay refund reimburse wire remit donate buy rebuy purchase order reorder checkout invite book reserve star unstar clone unsubscribe reschedule download visit login verify tweet notify uninstall share text write post tell inform comment greet remind browse send sent resend"

// deedWords are nouns that name a doing.
var deedWords = map[Verbs]string{
	Book:   "reservation reservations booking bookings",
	Pay:    "payment payments transfer transfers transaction transactions refund refunds donation deposit",
	Buy:    "purchase purchases order orders checkout",
	Send:   "comment comments post posts reply announcement",
	React:  "star stars like vote",
	Grant:  "invitation invite access permission permissions ownership",
	Delete: "deletion removal cancellation",
	Change: "change changes update updates modification edit edits",
	Fetch:  "download copy",
	Visit:  "visit look",
	Create: "appointment event entry note reminder",
}

var nounWords = map[Nouns]string{
	Message:  "message messages email emails mail mails dm dms text note reply letter inbox greeting question comment comments feedback answer newsletter sms notification announcement summary attachment",
	Money:    "money payment payments transaction transactions transfer bill bills invoice invoices rent fee fees amount balance funds fund salary debt deposit refund dollars euros usd eur iban order orders subscription standing price cost bank tax",
	Event:    "event events meeting meetings appointment appointments calendar reminder reminders lunch dinner call session schedule check-up checkup booking",
	File:     "file files document documents doc docs spreadsheet folder folders directory dir pdf image images photo attachment attachments template invoice invoices notes list report book copy node path disk drive slides data script archive",
	Web:      "web webpage webpages website websites page pages site sites link links url urls uri article articles blog forum online internet homepage form thread http https browser",
	Person:   "user users member members colleague colleagues person people participant participants attendee attendees collaborator collaborators contact contacts friend friends him her them everyone team employee recipient owner guest client",
	Channel:  "channel channels group groups room chat slack workspace team list",
	Profile:  "info information profile details address account settings name street city phone",
	Password: "password passwords passphrase passcode pin credential credentials",
	Goods:    "product products item items cart basket purchase goods order orders shopping checkout",
	Repo:     "repo repos repository repositories project projects code branch git github ownership",
	Issue:    "issue issues ticket tickets bug bugs",
	Task:     "instruction instructions request requests requested task tasks todo todos to-do action actions need needs step steps homework assignment assignments issue work ask job errand errands duties list it them those plan plans",
	KeyNoun:  "key keys ssh token tokens secret secrets",
}

var vocabulary = func() map[uint64]word {
	m := map[uint64]word{}
	put := func(words string, f func(*word)) {
		for _, s := range strings.Fields(words) {
			h := lex.Hash(s)
			w := m[h]
			f(&w)
			m[h] = w
		}
	}
	for v, words := range verbWords {
		put(words, func(w *word) { w.verb |= v })
	}
	for v, words := range deedWords {
		put(words, func(w *word) { w.deed |= v })
	}
	for n, words := range nounWords {
		put(words, func(w *word) { w.noun |= n })
	}
	put(aloneWords, func(w *word) { w.alone = true })
	return m
}()

func hashes(words string) map[uint64]bool {
	m := map[uint64]bool{}
	for _, s := range strings.Fields(words) {
		m[lex.Hash(s)] = true
	}
	return m
}

var (
	// beforeNoun are words after which a base form is a noun: "the order".
	beforeNoun = hashes("the a an my his her their your our this that these those its any each every some no via by of in on from for with about new unread sent received last next same original latest recent current first second following direct github gmail slack calendar all his linked")
	// denies are words that turn a request round.
	denies = hashes("not don never without dont cannot isn didn doesn avoid")
	// self are words of a person who speaks of themselves.
	self = hashes("i we")
	// stop are words that name nothing.
	stop = hashes(`the a an and or of to in on at for by with from as is are was were be been it its this that these those you your i my me we our he she they his her their him them
		please can could would will should do does did not no yes if so then than but about into over under up down out off all any each every some more most other same new just also hey hi hello thanks thank
		what when where who which how why there here have has had get give make find check send new use using via per let us one two three first second next last monday tuesday wednesday thursday friday saturday sunday
		january february march april may june july august september october november december today tomorrow yesterday`)
)

var verbNames = [...]string{"send", "pay", "buy", "create", "book", "delete", "change", "grant", "fetch", "visit", "run", "prove", "react", "read", "obey", "light"}

// String lists the kinds, joined by "+".
func (v Verbs) String() string {
	var names []string
	for i, n := range verbNames {
		if v&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, "+")
}
