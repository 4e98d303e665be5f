package configs

import (
	"regexp/syntax"
	"strings"
)

// letters are all that a topic's name is made of, the plainest first, so that examples read well.
const topicLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// language is the set of topic names that a pattern matches from end to end, as a deterministic automaton that is built as
// far as somebody walks. Go's patterns are regular and Kafka's names have 65 letters, so that "is there a name that both
// of these match?" has an answer (overlap.go), for every name there could be, and an example.
type language struct {
	prog   *syntax.Prog
	ids    map[string]int32
	states []state
}

// state is the set of places in the program that the letters read so far lead to.
type state struct {
	threads []uint32
	prev    rune // the letter before, as far as \b cares
	next    [len(topicLetters)]int32
	accepts bool
}

const unknown = -1

// newLanguage is the union of the patterns, each anchored at both ends. They have compiled before.
func newLanguage(patterns []string) *language {
	re, err := syntax.Parse("(?:"+strings.Join(patterns, ")|(?:")+")", syntax.Perl)
	if err == nil && len(patterns) > 0 {
		re = re.Simplify()
	} else {
		re = &syntax.Regexp{Op: syntax.OpNoMatch}
	}
	prog, err := syntax.Compile(re)
	if err != nil {
		prog = &syntax.Prog{Inst: []syntax.Inst{{Op: syntax.InstFail}}}
	}
	l := &language{prog: prog, ids: map[string]int32{}}
	l.state([]uint32{uint32(prog.Start)}, unknown)
	return l
}

// start is the state before the first letter.
func (l *language) start() int32 { return 0 }

// read walks over a word.
func (l *language) read(from int32, word string) int32 {
	for _, letter := range word {
		from = l.step(from, strings.IndexRune(topicLetters, letter))
	}
	return from
}

// step reads one letter, by its number.
func (l *language) step(from int32, letter int) int32 {
	if next := l.states[from].next[letter]; next != unknown {
		return next
	}
	r := rune(topicLetters[letter])
	var threads []uint32
	for _, pc := range l.reach(l.states[from], r) {
		if i := &l.prog.Inst[pc]; i.Op != syntax.InstMatch && i.MatchRunePos(r) >= 0 {
			threads = append(threads, i.Out)
		}
	}
	prev := 'a'
	if !syntax.IsWordChar(r) {
		prev = '-'
	}
	to := l.state(threads, prev)
	l.states[from].next[letter] = to
	return to
}

// accepts says whether the name may end here.
func (l *language) accepts(s int32) bool { return l.states[s].accepts }

// dead says that no name goes on from here.
func (l *language) dead(s int32) bool { return len(l.states[s].threads) == 0 }

func (l *language) state(threads []uint32, prev rune) int32 {
	key := make([]byte, 0, 4*len(threads)+1)
	key = append(key, byte(prev))
	threads = unique(threads, len(l.prog.Inst))
	for _, pc := range threads {
		key = append(key, byte(pc), byte(pc>>8), byte(pc>>16), byte(pc>>24))
	}
	if id, ok := l.ids[string(key)]; ok {
		return id
	}
	s := state{threads: threads, prev: prev}
	for i := range s.next {
		s.next[i] = unknown
	}
	for _, pc := range l.reach(s, unknown) {
		s.accepts = s.accepts || l.prog.Inst[pc].Op == syntax.InstMatch
	}
	id := int32(len(l.states))
	l.states = append(l.states, s)
	l.ids[string(key)] = id
	return id
}

// reach follows the instructions that read no letter; next is the letter ahead, unknown at the end.
func (l *language) reach(s state, next rune) []uint32 {
	met := syntax.EmptyOpContext(s.prev, next)
	seen := make([]bool, len(l.prog.Inst))
	var out []uint32
	todo := append([]uint32(nil), s.threads...)
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch i := &l.prog.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, i.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(i.Arg)&^met == 0 {
				todo = append(todo, i.Out)
			}
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	return out
}

// unique sorts places of the program and drops doubles.
func unique(threads []uint32, size int) []uint32 {
	in := make([]bool, size)
	for _, pc := range threads {
		in[pc] = true
	}
	out := threads[:0]
	for pc, is := range in {
		if is {
			out = append(out, uint32(pc))
		}
	}
	return out
}
