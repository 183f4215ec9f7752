package provider

import "strings"

// DefaultProfile is the profile of a path that names none.
const DefaultProfile = "default"

// maxSlug is the longest profile id.
const maxSlug = 64

// apiWords are the first words of the providers' own paths. Where a profile is
// left out they stand in its place, so that none of them can be a profile's id.
// Sources: the providers' API references; the words of paths that come below a
// version (anthropic, gemini) are here only if a client may leave that out.
var apiWords = map[string]bool{}

func init() {
	for word := range strings.FieldsSeq(`
		v1 v2 v3 v1alpha v1alpha1 v1beta v1beta1 v1beta2 v1beta3 v1internal
		api apis openai openapi
		chat completions responses messages models complete embeddings embed
		files batches images image audio videos uploads upload download ws
		assistants threads conversations containers realtime moderations edits
		engines evals fine_tuning fine-tuning fine-tunes vector_stores deployments
		organization organizations projects locations publishers endpoints skills
		tunedModels cachedContents corpora operations fileSearchStores generatedFiles
		interactions
		tokenize detokenize tokenize-text pooling classify score rerank
		health ping metrics version server_info invocations
		language-models image-generation-models embedding-models api-key
	`) {
		apiWords[word] = true
		apiWords[strings.ToLower(word)] = true
	}
}

// ValidProfile tells whether a profile may have that id: a slug of letters,
// digits, dots, underscores and dashes that begins with a letter or a digit, of
// at most 64 characters (a UUID is one), and not a word of the providers' paths.
func ValidProfile(id string) bool {
	return validSlug(id) && !apiWords[strings.ToLower(id)]
}

func validSlug(s string) bool {
	if s == "" || len(s) > maxSlug {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}
