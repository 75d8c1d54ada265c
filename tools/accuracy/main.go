// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command accuracy measures the diagnosis: over the corpus of pkg/diagnosis/corpus, whose causes are known, and over a
// folder of labelled incidents if one is named. It prints what was taken for what, how sure verdicts were against how often
// they were right, and where the diagnosis abstained; and it fails below what is promised.
//
//	go run ./tools/accuracy [-set 2] [-seeds 8] [-wrong] [-examples ../shared/incidents/examples] [-dump CASE -to DIR]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/diagnosis/corpus"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// What is promised of incidents that were not used for fitting.
const (
	wantRight = 0.95
	wantECE   = 0.05
)

func main() {
	set := flag.Uint64("set", 2, "which set of seeds: 1 is for fitting, any other is held out")
	seeds := flag.Int("seeds", 8, "seeds for each cause and presentation")
	wrong := flag.Bool("wrong", false, "print every case that is not right")
	examples := flag.String("examples", "../shared/incidents/examples", "a folder of labelled incidents; skipped where absent")
	dump := flag.String("dump", "", "write the record of this case, as origin-503/noisy/2000003, and do nothing else")
	to := flag.String("to", "case", "the folder for -dump")
	flag.Parse()
	var t tally
	for _, c := range corpus.All(corpus.Seeds(*set, *seeds)) {
		if *dump != "" {
			write(c, *dump, *to)
			continue
		}
		t.add(judge(c), *wrong)
	}
	if *dump != "" {
		return
	}
	t.print()
	failed := t.below()
	for _, c := range labelled(*examples) {
		if j := judge(c); !j.right || j.harm || !j.change {
			fmt.Printf("example %s: %s at %.2f, change %v\n", c.Name, j.got, j.confidence, j.change)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// write puts the record of the case called name into a folder.
func write(c corpus.Case, name, folder string) {
	if c.Name != name {
		return
	}
	for file, content := range c.Files {
		full := filepath.Join(folder, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, content, 0o644)); err != nil {
			fmt.Fprintln(os.Stderr, "accuracy:", err)
		}
	}
}

// judgement is one case against its label.
type judgement struct {
	corpus.Case
	got        incident.Cause
	confidence float64
	right      bool // an accepted answer
	harm       bool // a verdict whose remedy would do harm
	change     bool // the right change, or rightly none
	status     bool
	first      incident.Cause
}

func judge(c corpus.Case) judgement {
	ev, err := record.Read(record.Files(c.Files))
	if err != nil {
		return judgement{Case: c}
	}
	d := diagnosis.Diagnose(ev)
	j := judgement{Case: c, got: d.Verdict.Cause, confidence: d.Verdict.Confidence, first: d.Candidates[0].Cause}
	j.right = slices.Contains(c.Accept, j.got)
	j.harm = slices.Contains(c.MustNot, j.got)
	blamed := ""
	if d.Change != nil {
		blamed = d.Change.EventID
	}
	j.change = j.got == incident.Undetermined || blamed == c.Change || slices.Contains(c.ChangeAlso, blamed)
	j.status = d.Verdict.Status == nil && (c.Status == 0 || j.got == incident.Undetermined) || d.Verdict.Status != nil && *d.Verdict.Status == c.Status
	return j
}
