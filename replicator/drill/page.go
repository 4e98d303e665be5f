package drill

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("drill").Funcs(template.FuncMap{
	"when":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
	"span":    span,
	"digits":  digits,
	"maybe":   maybe,
	"words":   func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"bad":     func(p Position) bool { return p.Bad() },
	"took":    func(r Report) string { return r.Ended.Sub(r.Began).Round(100 * time.Millisecond).String() },
	"counted": counted,
	"more": func(atLeast bool) string {
		if atLeast {
			return "at least "
		}
		return ""
	},
}).Parse(pageHTML))

// Page writes a report as one HTML page that needs nothing else: no script, no font, no image. The report itself is in it, as JSON.
func Page(w io.Writer, r Report) error {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, struct {
		Report
		JSON string
	}{r, string(encoded)}); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// digits groups by threes.
func digits(v any) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func maybe(n *int64) string {
	if n == nil {
		return "–"
	}
	return digits(*n)
}

// counted lists counts, the largest first.
func counted(m map[string]int) string {
	var keys, all []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
	for _, k := range keys {
		all = append(all, digits(m[k])+" "+strings.ReplaceAll(k, "_", " "))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
