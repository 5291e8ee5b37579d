package lessontest

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// A transcript is a pattern for a run: its lines are lines of the run, in their order, and … stands for what was left out
// between them. Nothing else may be left out, but lines of programs. What differs from run to run counts as the same.

// gap is the line of a transcript that stands for others.
const gap = "…"

var (
	// typed matches what a person has typed, and not the run has shown.
	typed = regexp.MustCompile(`^\$ |Your prediction|예측을 적어|적어 둔 예측`)
	// passing matches what is only shown where the computer is slow, or others use the ports.
	passing = regexp.MustCompile(`^… \S|^\(.*\b\d{4,5}\b.*\)$`)
	table   = regexp.MustCompile(`^[╭│├╰].*[╮│┤╯]$`)
	// printed matches a line beside a program: what it has printed, its command, its end, and notes about it.
	printed = regexp.MustCompile(`^(\S+#\d+)? *│ `)
	// written matches a line that the program has printed itself.
	written = regexp.MustCompile(`^(\S+#\d+) +│ [^$⚡]`)

	// planned matches what the lesson says by itself, numbers too: a step, and a claim without its evidence.
	planned = regexp.MustCompile(`^▸ .*|^[✓✗] .*: `)

	strip  = regexp.MustCompile(`( p\d+) [■=✗\d]+$`)
	owners = regexp.MustCompile(`^(p\d+) +[A-Za-z·/].*$`)
	starts = regexp.MustCompile(`^([+-][A-Z] *)+$`)
	scale  = regexp.MustCompile(`^(\d\.\d +)+s$`)
	bar    = regexp.MustCompile(`^(\S+) +█.*$`)
	shell  = regexp.MustCompile(`\$ (KAFKA_BROKERS=\S+ )`) // where the run's Kafka had to take other ports
	ports  = regexp.MustCompile(`(127\.0\.0\.1:\d+,?){3}`)
	runID  = regexp.MustCompile(`\br[a-km-np-z2-9]{5}\b((\.[a-z-]+)?)(\.\d)?\b`)
	member = regexp.MustCompile(`-[0-9a-f]{8}[0-9a-f-]*`)
	number = regexp.MustCompile(`\d+(\.\d+)?`)
	spaces = regexp.MustCompile(`\s+`)
)

// key is a line without what differs from run to run, "" for a line that does not count. foreign tells that programs
// spoke another language in the run than in the transcript: then of what they print counts who has printed it.
func key(line string, foreign bool) string {
	line = strings.TrimSpace(line)
	if passing.MatchString(line) || typed.MatchString(line) {
		return ""
	}
	if m := written.FindStringSubmatch(line); foreign && m != nil {
		return m[1] + " │"
	}
	if table.MatchString(line) { // how wide the columns are depends on the numbers
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune("╭│├╰─┬┼┴╮┤╯ ", r) })
		return strings.Join(append([]string{string([]rune(line)[:1])}, words[:min(len(words), 1)]...), " ")
	}
	line = strip.ReplaceAllString(line, "$1")
	line = owners.ReplaceAllString(line, "$1 owners")
	line = starts.ReplaceAllString(line, "starts")
	line = scale.ReplaceAllString(line, "scale")
	line = bar.ReplaceAllString(line, "$1 bar")
	line = shell.ReplaceAllString(line, "$$ ")
	line = runID.ReplaceAllString(line, "RUN$1")
	line = member.ReplaceAllString(line, "-MEMBER")
	head := planned.FindString(line)
	line = head + number.ReplaceAllString(line[len(head):], "0")
	return spaces.ReplaceAllString(line, " ")
}

// besideProgram tells whether a line may be left out without a gap.
func besideProgram(line string) bool {
	line = strings.TrimSpace(line)
	return printed.MatchString(line) && !table.MatchString(line)
}

// content is a line of a transcript that the run must have.
type content struct {
	at    int // in the transcript
	key   string
	loose bool // anything may come between the one before and this one
}

// contents are the lines of a transcript that a run must have.
func contents(transcript []string, foreign bool) []content {
	var all []content
	loose := true
	for i, line := range transcript {
		if line == gap {
			loose = true
		} else if k := key(line, foreign); k != "" {
			all = append(all, content{i, k, loose})
			loose = false
		}
	}
	return all
}

// usual is a line as it is where the usual ports are free.
func usual(line string) string {
	return ports.ReplaceAllString(shell.ReplaceAllString(line, "$$ "), "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094")
}

// counted are the lines of a run that count, and their keys.
func counted(lines []string, foreign bool) (kept, keys []string) {
	for _, line := range lines {
		if k := key(line, foreign); k != "" {
			kept, keys = append(kept, line), append(keys, k)
		}
	}
	return kept, keys
}

// agree tells whether a run is one of those that a transcript shows.
func agree(transcript, lines []string, foreign bool) bool {
	all := contents(transcript, foreign)
	if len(all) == 0 {
		return false
	}
	lines, keys := counted(lines, foreign)
	at := 0
	for len(all) > 0 {
		group := all[:1] // up to the next gap
		for len(group) < len(all) && !all[len(group)].loose {
			group = all[:len(group)+1]
		}
		all = all[len(group):]
		end := -1
		for ; at < len(keys) && end < 0; at++ {
			end = follow(group, lines[at:], keys[at:])
		}
		if end < 0 {
			return false
		}
		at += end - 1
	}
	return true
}

// follow returns how many lines a group takes if it begins with the first one, -1 if it does not.
func follow(group []content, lines, keys []string) int {
	at := 0
	for i, c := range group {
		for i > 0 && at < len(keys) && keys[at] != c.key && besideProgram(lines[at]) {
			at++
		}
		if at == len(keys) || keys[at] != c.key {
			return -1
		}
		at++
	}
	return at
}

// edit is a line of a transcript and what it becomes: "" for none.
type edit struct{ before, after string }

// edits are how a transcript comes to agree with a run. Each line becomes the line of the run that is the same or, where
// its words have changed, the most similar one in its place; lines that are new between two others come in.
func edits(transcript, lines []string, foreign bool) []edit {
	all := contents(transcript, foreign)
	lines, keys := counted(lines, foreign)
	places := align(all, lines, keys)
	var out []edit
	next, last := 0, -1
	for i, line := range transcript {
		if next == len(all) || all[next].at != i {
			out = append(out, edit{line, line})
			continue
		}
		c, place := all[next], places[next]
		next++
		if place < 0 {
			out = append(out, edit{line, ""})
			continue
		}
		for j := last + 1; j < place && !c.loose; j++ {
			if !besideProgram(lines[j]) {
				out = append(out, edit{"", lines[j]})
			}
		}
		out = append(out, edit{line, lines[place]})
		last = place
	}
	return out
}

// refresh is a transcript that agrees with a run, with the same lines left out.
func refresh(transcript, lines []string, foreign bool) []string {
	var out []string
	for _, e := range edits(transcript, lines, foreign) {
		if e.after != "" || e.before == "" {
			out = append(out, e.after)
		}
	}
	return out
}

// difference shows what [refresh] would change.
func difference(transcript, lines []string, foreign bool) string {
	var out strings.Builder
	for _, e := range edits(transcript, lines, foreign) {
		if key(e.before, foreign) == key(e.after, foreign) {
			continue
		}
		if e.before != "" {
			out.WriteString("- " + e.before + "\n")
		}
		if e.after != "" {
			out.WriteString("+ " + e.after + "\n")
		}
	}
	return out.String()
}

// align finds the place in a run for each line of a transcript, -1 for none: as many equal lines as possible, then
// similar ones, in order, with as little as possible between those that no gap is between.
func align(all []content, lines, keys []string) []int {
	const (
		equal   = 3.0
		dropped = -1.0
		between = -0.5
		program = -0.05
	)
	type move int
	const (
		none move = iota
		skip      // a line of the run
		drop      // a line of the transcript
		match
	)
	score := make([][]float64, len(all)+1)
	moves := make([][]move, len(all)+1)
	for i := range score {
		score[i], moves[i] = make([]float64, len(keys)+1), make([]move, len(keys)+1)
		for j := range score[i] {
			if i == 0 && j == 0 {
				continue
			}
			best, how := 0.0, none
			try := func(s float64, by move) {
				if how == none || s > best {
					best, how = s, by
				}
			}
			if i > 0 && j > 0 {
				if s := similar(all[i-1].key, keys[j-1]); s > 0 {
					try(score[i-1][j-1]+s*equal, match)
				}
			}
			if j > 0 {
				cost := between
				switch {
				case i == 0 || i == len(all) || all[i].loose:
					cost = 0
				case besideProgram(lines[j-1]):
					cost = program
				}
				try(score[i][j-1]+cost, skip)
			}
			if i > 0 {
				try(score[i-1][j]+dropped, drop)
			}
			score[i][j], moves[i][j] = best, how
		}
	}
	places := make([]int, len(all))
	for i, j := len(all), len(keys); i > 0 || j > 0; {
		switch moves[i][j] {
		case match:
			i, j = i-1, j-1
			places[i] = j
		case drop:
			i--
			places[i] = -1
		default:
			j--
		}
	}
	return places
}

// similar is 1 for equal keys, and else up to a half: for keys that begin with the same word and have most letters in
// common, and for the same step or variant, whatever it is called.
func similar(a, b string) float64 {
	if a == b {
		return 1
	}
	wordsA, wordsB := strings.SplitN(a, " ", 3), strings.SplitN(b, " ", 3)
	if wordsA[0] != wordsB[0] {
		return 0
	}
	same := 1 - float64(levenshtein.ComputeDistance(a, b))/float64(max(utf8.RuneCountInString(a), utf8.RuneCountInString(b)))
	isHead := (wordsA[0] == "▸" || wordsA[0] == "──") && len(wordsA) > 1 && len(wordsB) > 1 && wordsA[1] == wordsB[1]
	if same < 0.5 && !isHead {
		return 0
	}
	return max(same, 0.5) / 2
}
