package report

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kafkahandson/internal/i18n"
)

// The measures that all pictures share, in pixels.
const (
	svgWidth  = 784
	svgTop    = 64 // of what is drawn below the title
	svgRow    = 28 // from one bar to the next
	svgBar    = 20
	svgColors = 5
)

// svgStyle has the classes of the pictures. o0 to o4 are colours for up to svgColors things beside each other; with again
// the whole box has the colour of its edge.
const svgStyle = `
    text { font-family: system-ui, -apple-system, "Segoe UI", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", sans-serif; font-size: 12px; fill: #1f2328; }
    .card { fill: #ffffff; stroke: #d0d7de; }
    .head { font-size: 15px; font-weight: 600; }
    .dim { fill: #59636e; }
    .nobody { fill: #ffebe9; stroke: #cf222e; stroke-dasharray: 3 3; }
    .event { stroke: #59636e; stroke-dasharray: 2 4; }
    .o0 { fill: #b6dcff; stroke: currentColor; color: #0969da; }
    .o1 { fill: #aceebb; stroke: currentColor; color: #1a7f37; }
    .o2 { fill: #ffd77a; stroke: currentColor; color: #9a6700; }
    .o3 { fill: #e6ccff; stroke: currentColor; color: #8250df; }
    .o4 { fill: #ffc9a8; stroke: currentColor; color: #bc4c00; }
    rect.again { fill: currentColor; }
    .count { font-size: 11px; fill: #ffffff; }
    .cut { stroke: #ffffff; stroke-width: 4; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .card { fill: #0d1117; stroke: #3d444d; }
      .dim { fill: #9198a1; }
      .nobody { fill: #3c1414; stroke: #f85149; }
      .event { stroke: #9198a1; }
      .o0 { fill: #10375e; stroke: currentColor; color: #4493f8; }
      .o1 { fill: #1b4b2b; stroke: currentColor; color: #3fb950; }
      .o2 { fill: #5c4400; stroke: currentColor; color: #d29922; }
      .o3 { fill: #3c2564; stroke: currentColor; color: #ab7df8; }
      .o4 { fill: #5a2b0c; stroke: currentColor; color: #f0883e; }
      .count { fill: #0d1117; }
      .cut { stroke: #0d1117; }
    }
`

// picture writes an SVG picture, for a light and a dark background. String ends it.
type picture struct{ out strings.Builder }

func newPicture(lang i18n.Lang, height int, title, description string) *picture {
	p := &picture{}
	fmt.Fprintf(&p.out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t d" xml:lang="%s">`+"\n", svgWidth, height, lang)
	fmt.Fprintf(&p.out, "  <title id=\"t\">%s</title>\n  <desc id=\"d\">%s</desc>\n  <style>%s  </style>\n", escape(title), escape(description), svgStyle)
	fmt.Fprintf(&p.out, `  <rect class="card" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", svgWidth-1, height-1)
	p.text("head", "start", 16, 26, title)
	return p
}

func (p *picture) text(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(&p.out, `  <text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, anchor, x, y, escape(s))
}

func (p *picture) rect(class string, x float64, y int, width float64, height int) {
	fmt.Fprintf(&p.out, `  <rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="3"/>`+"\n", class, x, y, width, height)
}

// line draws a vertical line.
func (p *picture) line(class string, x float64, from, to int) {
	fmt.Fprintf(&p.out, `  <line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", class, x, from, x, to)
}

func (p *picture) String() string { return p.out.String() + "</svg>\n" }

func escape(s string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(s)) // a Builder takes everything
	return out.String()
}

// writePicture writes a picture into a folder, which it creates, and returns the name of the file.
func writePicture(dir, name, svg string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create the folder of the pictures: %w", err)
	}
	file := filepath.Join(dir, name+".svg")
	if err := os.WriteFile(file, []byte(svg), 0o644); err != nil {
		return "", fmt.Errorf("write a picture: %w", err)
	}
	return file, nil
}
