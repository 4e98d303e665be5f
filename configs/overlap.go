package configs

// want is one condition on a name: the topics' patterns select it with a prefix before it.
type want struct {
	topics Topics
	prefix string
}

// maxStates bounds the search; no real configuration comes near.
const maxStates = 50_000

// overlap looks for a topic name that meets all conditions and returns the shortest. ok is false where there is none; where
// the search was given up, it is true with no example: better one question too many than records in a circle.
func overlap(wants []want) (example string, ok bool) {
	s := newSearch(wants)
	for s.head < len(s.queue) {
		here := s.queue[s.head]
		if here.depth > 0 && s.meets(here.at) {
			return s.name(s.head), true
		}
		if len(s.queue) > maxStates {
			return "", true
		}
		for letter := range topicLetters {
			s.visit(s.step(here.at, letter), letter)
		}
		s.head++
	}
	return "", false
}

// search walks all conditions' automata side by side, breadth first.
//
//	languages: include₁ exclude₁ include₂ exclude₂ …
type search struct {
	languages []*language
	queue     []place
	head      int
	seen      map[string]bool
}

type place struct {
	at     []int32 // one state a language
	from   int     // in queue
	letter int
	depth  int
}

func newSearch(wants []want) *search {
	s := &search{seen: map[string]bool{}}
	start := place{}
	for _, w := range wants {
		for _, patterns := range [][]string{w.topics.Include, append(neverTopics(), w.topics.Exclude...)} {
			l := newLanguage(patterns)
			s.languages = append(s.languages, l)
			start.at = append(start.at, l.read(l.start(), w.prefix))
		}
	}
	s.queue = append(s.queue, start)
	return s
}

func (s *search) step(at []int32, letter int) []int32 {
	to := make([]int32, len(at))
	for i, l := range s.languages {
		to[i] = l.step(at[i], letter)
	}
	return to
}

func (s *search) visit(at []int32, letter int) {
	key := make([]byte, 0, 4*len(at))
	for i, id := range at {
		if i%2 == 0 && s.languages[i].dead(id) {
			return
		}
		key = append(key, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	}
	if s.seen[string(key)] {
		return
	}
	s.seen[string(key)] = true
	s.queue = append(s.queue, place{at: at, from: s.head, letter: letter, depth: s.queue[s.head].depth + 1})
}

// meets says every include matches and no exclude does.
func (s *search) meets(at []int32) bool {
	for i, l := range s.languages {
		if l.accepts(at[i]) != (i%2 == 0) {
			return false
		}
	}
	return true
}

// name spells the way to a place.
func (s *search) name(i int) string {
	var back []byte
	for ; s.queue[i].depth > 0; i = s.queue[i].from {
		back = append(back, topicLetters[s.queue[i].letter])
	}
	for a, b := 0, len(back)-1; a < b; a, b = a+1, b-1 {
		back[a], back[b] = back[b], back[a]
	}
	return string(back)
}
