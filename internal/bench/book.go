package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Book is benchmarks.json: the newest result of each measure.
type Book struct {
	Measures []Entry `json:"measures"`
}

// Entry is a result with where and when it came to be. Each has its own: one measure can be taken again on another day.
type Entry struct {
	Name     string    `json:"name"`
	Short    string    `json:"short"`
	At       time.Time `json:"at"`
	Seconds  float64   `json:"seconds"` // it took
	Runs     int       `json:"runs"`
	Smoke    bool      `json:"smoke,omitempty"` // --short: figures nobody should quote
	Machine  Machine   `json:"machine"`
	Load     float64   `json:"load_before"` // processes that wanted a core in the minute before it began; −1: not known
	Versions Versions  `json:"versions"`
	Result   Result    `json:"result"`
}

// put replaces the entry of that name, and keeps the order of the measures. What is no measure any more stays, at the end.
func (b *Book) put(e Entry, order []string) {
	b.Measures = slices.DeleteFunc(b.Measures, func(old Entry) bool { return old.Name == e.Name })
	b.Measures = append(b.Measures, e)
	place := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(b.Measures, func(x, y Entry) int { return place(x.Name) - place(y.Name) })
}

const (
	bookFile = "benchmarks.json"
	pageFile = "benchmarks.md"
)

// readBook reads benchmarks.json of a folder; an empty book where there is none yet.
func readBook(dir string) (b Book, err error) {
	path := filepath.Join(dir, bookFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("%s: %w. Try: remove it and measure everything again", path, err)
	}
	return b, nil
}

// write writes both files, each as a whole or not at all.
func (b Book) write(dir string) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(dir, bookFile), append(text, '\n')); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, pageFile), []byte(Page(b)))
}

// Render writes benchmarks.md of a folder anew from its benchmarks.json.
func Render(dir string) error {
	b, err := readBook(dir)
	if err != nil {
		return err
	}
	return b.write(dir)
}

func replaceFile(path string, text []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}
