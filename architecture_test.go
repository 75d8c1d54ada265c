// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront503

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "cloudfront503/"

// The floors of the house. An import may go down and, within the vocabulary, sideways; never up, and stages not sideways.
var (
	vocabulary = []string{"pkg/incident", "pkg/distribution", "pkg/denied", "pkg/lean", "pkg/pattern"} // the last two are words of AWS and of Go
	stages     = []string{"pkg/event", "pkg/ledger", "pkg/snapshot", "pkg/evidence", "pkg/accesslog", "pkg/diagnosis", "pkg/plan",
		"pkg/runbook", "pkg/approval", "pkg/remedy", "pkg/recovery", "pkg/notify", "pkg/report", "pkg/settings"}
	// sideways are the arrows between stages that are allowed, with the reason.
	sideways = map[string]string{
		"pkg/evidence pkg/accesslog": "evidence reads logs, and that is all that accesslog is for",
	}
	// pure packages import no AWS SDK, with the reason.
	pure = map[string]string{
		"pkg/incident":        "the vocabulary is values only",
		"pkg/distribution":    "configuration is a value",
		"pkg/denied":          "an error's text needs no client",
		"pkg/accesslog":       "bytes to counts",
		"pkg/diagnosis":       "the same evidence must give the same verdict, offline",
		"pkg/plan":            "policy is a table",
		"pkg/recovery":        "before and after are numbers",
		"pkg/evidence/record": "a record is read where there is no AWS",
	}
	// banned names say nothing about what is inside.
	banned = []string{"types", "utils", "util", "common", "helpers", "interfaces", "models", "services", "core"}
)

// file is one Go file that is no test, with what it imports.
type file struct {
	path, folder string
	imports      []string
	syntax       *ast.File
}

func TestArrowsRunDown(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, target := range f.imports {
			target, ours := strings.CutPrefix(target, module)
			if ours && !allowed(f.folder, target) {
				t.Errorf("%s imports %s: an arrow up or sideways", f.path, target)
			}
		}
	}
}

// allowed reports whether the arrow from folder to target runs down.
func allowed(folder, target string) bool {
	from, to := floor(folder), floor(target)
	switch {
	case within(folder, target) || within(target, folder): // a package and its own sub-packages
		return true
	case strings.HasPrefix(folder, "pkg/emulator"):
		return strings.HasPrefix(target, "pkg/emulator") || target == "pkg/runbook/document"
	case from == stage && to == stage:
		_, reasoned := sideways[room(folder)+" "+room(target)]
		return reasoned
	}
	return from == door || to == words || from == root
}

const (
	words = iota
	stage
	door
	root
)

// floor says on which floor a folder is.
func floor(folder string) int {
	switch {
	case slices.Contains(vocabulary, room(folder)):
		return words
	case slices.Contains(stages, room(folder)):
		return stage
	case folder == ".":
		return root
	}
	return door
}

// room is the package under pkg that a folder belongs to, else the folder.
func room(folder string) string {
	parts := strings.Split(folder, "/")
	if parts[0] == "pkg" && len(parts) > 2 {
		return strings.Join(parts[:2], "/")
	}
	return folder
}

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

func TestPurePackagesKnowNoAWS(t *testing.T) {
	for _, f := range goFiles(t) {
		reason, isPure := pure[f.folder]
		for _, target := range f.imports {
			if isPure && strings.HasPrefix(target, "github.com/aws/") {
				t.Errorf("%s imports %s, but %s", f.path, target, reason)
			}
		}
	}
}

// What ships in a Lambda, and what must not: size and start-up count there.
func TestFunctionsShipNothingHeavy(t *testing.T) {
	heavy := map[string]string{
		module + "pkg/emulator":       "it is for rehearsals",
		"github.com/spf13/cobra":      "there is no command line in a Lambda",
		"github.com/goccy/go-yaml":    "documents are read at deployment",
		"text/template":               "it keeps the linker from dropping methods",
		"html/template":               "it keeps the linker from dropping methods",
		"honnef.co/go/tools":          "a linter",
		"github.com/google/go-cmp":    "for tests",
		"github.com/fxamacker/cbor":   "for the emulator",
		"github.com/stretchr/testify": "for tests",
	}
	arrows := map[string][]string{}
	for _, f := range goFiles(t) {
		arrows[module+f.folder] = append(arrows[module+f.folder], f.imports...)
	}
	for _, start := range slices.Sorted(maps.Keys(arrows)) {
		if !strings.HasPrefix(start, module+"functions/") {
			continue
		}
		for reached := range reachable(arrows, start) {
			for prefix, reason := range heavy {
				if strings.HasPrefix(reached, prefix) {
					t.Errorf("%s reaches %s, but %s", start, reached, reason)
				}
			}
		}
	}
}

func reachable(arrows map[string][]string, start string) map[string]bool {
	seen, queue := map[string]bool{}, []string{start}
	for len(queue) > 0 {
		here := queue[0]
		queue = queue[1:]
		for _, next := range arrows[here] {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return seen
}

func TestOnlyRemediateReachesTheWriter(t *testing.T) {
	for _, f := range goFiles(t) {
		if strings.HasPrefix(f.folder, "pkg/emulator") || f.folder == "pkg/remedy" {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if ok && slices.Contains([]string{"UpdateDistribution", "UpdateDistributionWithStagingConfig", "PublishFunction", "UpdateFunction"}, selector.Sel.Name) {
				t.Errorf("%s names %s: only pkg/remedy may", f.path, selector.Sel.Name)
			}
			return true
		})
		if f.folder != "functions/remediate" && strings.HasPrefix(f.folder, "functions/") && names(f.syntax, "remedy", "Writer") {
			t.Errorf("%s uses remedy.Writer: only functions/remediate may", f.path)
		}
	}
}

// names reports whether a file says pkg.name.
func names(syntax *ast.File, pkg, name string) bool {
	found := false
	ast.Inspect(syntax, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok && selector.Sel.Name == name {
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == pkg {
				found = true
			}
		}
		return !found
	})
	return found
}

func TestNothingButMainEndsTheProcess(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.syntax.Name.Name == "main" || strings.HasPrefix(f.folder, "pkg/emulator") {
			continue
		}
		for _, exit := range [][2]string{{"log", "Fatal"}, {"log", "Fatalf"}, {"log", "Panic"}, {"os", "Exit"}, {"time", "Sleep"}} {
			if names(f.syntax, exit[0], exit[1]) {
				t.Errorf("%s calls %s.%s", f.path, exit[0], exit[1])
			}
		}
	}
}

func TestPackagesAreNamedForWhatIsInside(t *testing.T) {
	for _, f := range goFiles(t) {
		if slices.Contains(banned, path.Base(f.folder)) || slices.Contains(banned, f.syntax.Name.Name) {
			t.Errorf("%s is in a package called %s", f.path, f.syntax.Name.Name)
		}
	}
}

func TestEveryFileNamesItsLicence(t *testing.T) {
	for _, f := range goFiles(t) {
		text, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "// SPDX-License-Identifier: Apache-2.0\n") {
			t.Errorf("%s does not begin with the SPDX line", f.path)
		}
	}
}

func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		if entry.IsDir() && (hidden || slices.Contains([]string{"testdata", "out", "dist"}, entry.Name())) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files = append(files, parse(t, name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d files found", len(files))
	}
	return files
}

func parse(t *testing.T, name string) file {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	f := file{path: name, folder: filepath.ToSlash(filepath.Dir(name)), syntax: syntax}
	for _, spec := range syntax.Imports {
		f.imports = append(f.imports, strings.Trim(spec.Path.Value, `"`))
	}
	return f
}
