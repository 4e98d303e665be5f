package drill

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Shelf keeps the newest reports of a link in a folder: ID.json, and ID.html beside it.
type Shelf struct {
	Dir  string
	Keep int
}

// Put keeps a report, and drops the oldest ones beyond Keep. A report is there whole, or not at all.
func (s Shelf) Put(r Report) (path string, err error) {
	if err := os.MkdirAll(s.Dir, 0o750); err != nil {
		return "", err
	}
	path = filepath.Join(s.Dir, r.ID+".json")
	page := filepath.Join(s.Dir, r.ID+".html")
	if err := whole(page, func(w io.Writer) error { return Page(w, r) }); err != nil {
		return "", err
	}
	if err := whole(path, r.Write); err != nil {
		return "", err
	}
	return path, s.drop()
}

// Write writes a report as JSON.
func (r Report) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func whole(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	half := path + ".half"
	if err := os.WriteFile(half, b.Bytes(), 0o640); err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return os.Rename(half, path)
}

// ids are those of the reports, the newest first: an id begins with its time.
func (s Shelf) ids() ([]string, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); ok && isID(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, err
}

func (s Shelf) drop() error {
	ids, err := s.ids()
	for _, id := range ids[min(len(ids), max(s.Keep, 1)):] {
		for _, end := range []string{".json", ".html"} {
			if gone := os.Remove(filepath.Join(s.Dir, id+end)); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	return err
}

// Last finds the newest report, and the newest one that has passed. A report that was changed, or can't be read, is none.
func (s Shelf) Last() (newest, passed *Report, path string, err error) {
	ids, err := s.ids()
	for _, id := range ids {
		at := filepath.Join(s.Dir, id+".json")
		encoded, failed := os.ReadFile(at)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		r, failed := Check(encoded)
		if failed != nil {
			err = errors.Join(err, &fs.PathError{Op: "check", Path: at, Err: failed})
			continue
		}
		if newest == nil {
			newest, path = &r, at
		}
		if r.Result == Passed {
			return newest, &r, path, err
		}
	}
	return newest, nil, path, err
}
