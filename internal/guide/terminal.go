package guide

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	gtext "github.com/yuin/goldmark/text"
)

// Screen is what a section is written for.
type Screen struct {
	// Columns is how wide paragraphs, lists and tables are at most. A Korean letter takes two columns.
	Columns int
	// Room is how many columns there are, for the lines of a run. Defaults to any number, as in a file.
	Room int
	// Color uses colours.
	Color bool
}

// Terminal writes a section for a screen. Paragraphs, lists, tables and the lines of a run are wrapped; other code keeps
// its lines, so that it can be copied. Pictures are left out, and so is what the page folds away: the answers of exercises.
func Terminal(w io.Writer, markdown string, s Screen) error {
	source := []byte(markdown)
	r := &renderer{source: source, Screen: s}
	r.blocks(goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(gtext.NewReader(source)), "", false)
	_, err := io.WriteString(w, strings.TrimRight(r.out.String(), "\n")+"\n")
	return err
}

type renderer struct {
	Screen
	source []byte
	folded bool   // inside <details>
	mark   string // of a list's item, before its first line
	out    strings.Builder
}

// line writes a line after an indent.
func (r *renderer) line(indent, s string) {
	if r.mark != "" {
		indent, r.mark = strings.TrimSuffix(indent, strings.Repeat(" ", len(r.mark)))+r.mark, ""
	}
	r.out.WriteString(strings.TrimRight(indent+s, " ") + "\n")
}

var summary = regexp.MustCompile(`<summary>(.*)</summary>`)

// blocks writes what is inside a block, each line after an indent. tight leaves out the empty lines between.
func (r *renderer) blocks(parent ast.Node, indent string, tight bool) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if html, ok := n.(*ast.HTMLBlock); ok {
			lines := string(html.Lines().Value(r.source))
			if m := summary.FindStringSubmatch(lines); m != nil {
				r.line(indent, "▸ "+m[1]+" …\n")
			}
			r.folded = (r.folded || strings.Contains(lines, "<details>")) && !strings.Contains(lines, "</details>")
			continue
		}
		if r.folded {
			continue
		}
		switch n := n.(type) {
		case *ast.Heading:
			title, under := r.inline(n), "═"
			if n.Level > 2 {
				under = "─"
			}
			r.line(indent, r.style(text.Bold, title))
			r.line(indent, strings.Repeat(under, width(title)))
		case *ast.Paragraph, *ast.TextBlock:
			said := strings.TrimSpace(r.inline(n))
			if said == "" {
				continue
			}
			for line := range strings.SplitSeq(Wrap(said, r.Columns-len(indent)), "\n") {
				r.line(indent, line)
			}
		case *ast.FencedCodeBlock:
			run := string(n.Language(r.source)) == "text"
			for line := range strings.Lines(string(n.Lines().Value(r.source))) {
				line = strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")
				parts := []string{line}
				if run && r.Room > 0 {
					parts = fold(line, r.Room-len(indent)-4)
				}
				for _, part := range parts {
					r.line(indent+"    ", part)
				}
			}
		case *ast.List:
			number := n.Start
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				r.mark = "- "
				if n.IsOrdered() {
					r.mark = fmt.Sprintf("%d. ", number)
					number++
				}
				r.blocks(item, indent+strings.Repeat(" ", len(r.mark)), true)
			}
		case *east.Table:
			r.table(n)
		default: // a block of blocks
			r.blocks(n, indent, tight)
			continue
		}
		if !tight {
			r.out.WriteString("\n")
		}
	}
}

// width is how many columns a text takes: Korean letters take two.
func width(s string) int { return text.StringWidthWithoutEscSequences(s) }

// Wrap breaks a text into lines of at most so many columns: between words, or within a word that is longer.
func Wrap(s string, columns int) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && width(line)+1+width(word) <= columns {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; width(line) > columns; {
			head := first(line, columns)
			lines, line = append(lines, head), line[len(head):]
		}
	}
	return strings.Join(append(lines, line), "\n")
}

// first is the beginning of a line that takes at most so many columns, and at least a letter.
func first(line string, columns int) string {
	for i, letter := range line {
		if columns -= text.RuneWidth(letter); columns < 0 && i > 0 {
			return line[:i]
		}
	}
	return line
}

// fold breaks a line of a run into lines of at most so many columns, between words where there are some. Unlike [Wrap]
// it keeps the spaces, which are the columns of a table; what goes on is indented below its beginning.
func fold(line string, columns int) []string {
	columns = max(columns, 8) // room for an indent and a letter
	begins := len(line) - len(strings.TrimLeft(line, " "))
	indent := strings.Repeat(" ", min(begins+4, columns/2))
	var lines []string
	for width(line) > columns {
		head := first(line, columns)
		if at := strings.LastIndex(head, " "); line[len(head)] != ' ' && strings.TrimSpace(head[:max(at, 0)]) != "" {
			head = head[:at]
		}
		lines = append(lines, strings.TrimRight(head, " "))
		line = indent + strings.TrimLeft(line[len(head):], " ")
	}
	return append(lines, line)
}

// inline is the text of a block: of a link its words, of a picture nothing.
func (r *renderer) inline(parent ast.Node) string {
	var s strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			s.Write(n.Value(r.source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				s.WriteString(" ")
			}
		case *ast.CodeSpan:
			if code := r.inline(n); r.Color {
				s.WriteString(r.style(text.FgCyan, code))
			} else {
				s.WriteString("`" + code + "`")
			}
		case *ast.Emphasis:
			s.WriteString(r.style(text.Bold, r.inline(n)))
		case *ast.AutoLink:
			s.Write(n.URL(r.source))
		case *ast.Image, *ast.RawHTML:
		default:
			s.WriteString(r.inline(n))
		}
	}
	return s.String()
}

func (r *renderer) style(c text.Color, s string) string {
	if !r.Color {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

// table writes a table; its widest columns are wrapped until it fits.
func (r *renderer) table(n *east.Table) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	plain := &renderer{source: r.source}
	var widths, words []int // of each column, and of the longest word in it
	for line := n.FirstChild(); line != nil; line = line.NextSibling() {
		var row table.Row
		for cell := line.FirstChild(); cell != nil; cell = cell.NextSibling() {
			said := plain.inline(cell) // a colour would go on into the frame where a cell is wrapped
			if len(row) == len(widths) {
				widths, words = append(widths, 0), append(words, 0)
			}
			widths[len(row)] = max(widths[len(row)], width(said))
			for word := range strings.FieldsSeq(said) {
				words[len(row)] = max(words[len(row)], width(word))
			}
			row = append(row, said)
		}
		if _, ok := line.(*east.TableHeader); ok {
			t.AppendHeader(row)
		} else {
			t.AppendRow(row)
		}
	}
	frame, sum := 3*len(widths)+1, 0
	for _, w := range widths {
		sum += w
	}
	if frame+sum > r.Columns {
		t.Style().Options.SeparateRows = true
	}
	for ; frame+sum > r.Columns && slices.Max(widths) > 1; sum-- {
		widest := -1 // of the columns that can become narrower between words, or of all if none can
		for i, w := range widths {
			if w > words[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			widest = slices.Index(widths, slices.Max(widths))
		}
		widths[widest]--
	}
	var columns []table.ColumnConfig
	for i, w := range widths {
		columns = append(columns, table.ColumnConfig{Number: i + 1, WidthMax: w, WidthMaxEnforcer: Wrap})
	}
	t.SetColumnConfigs(columns)
	r.out.WriteString(t.Render() + "\n")
}
