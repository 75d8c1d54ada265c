// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"cloudfront503/pkg/incident"
)

// bin is one line of the calibration table.
type bin struct{ n, right, claimed float64 }

// tally is what came of all cases.
type tally struct {
	n, right, harm, abstained, change, status int
	confused                                  map[incident.Cause]map[incident.Cause]int
	presentations                             map[string][2]int
	bins                                      [10]bin
	wrongAbstentions                          map[incident.Cause]int
}

func (t *tally) add(j judgement, print bool) {
	if t.confused == nil {
		t.confused, t.presentations = map[incident.Cause]map[incident.Cause]int{}, map[string][2]int{}
		t.wrongAbstentions = map[incident.Cause]int{}
	}
	t.n++
	p := t.presentations[j.Presentation]
	p[1]++
	if j.right {
		t.right++
		p[0]++
	}
	if t.confused[j.Cause] == nil {
		t.confused[j.Cause] = map[incident.Cause]int{}
	}
	t.confused[j.Cause][j.got]++
	t.presentations[j.Presentation] = p
	t.change += one(j.change)
	t.harm += one(j.harm)
	t.status += one(j.status)
	if j.got == incident.Undetermined {
		t.abstained++
		if !j.right {
			t.wrongAbstentions[j.Cause]++
		}
	} else {
		b := &t.bins[min(9, int(j.confidence*10))]
		b.n++
		b.claimed += j.confidence
		b.right += float64(one(j.right))
	}
	if print && (!j.right || j.harm || !j.change || !j.status) {
		fmt.Printf("%-52s got %-28s %.2f first %-28s right %-5v harm %-5v change %-5v status %v\n", j.Name, j.got, j.confidence, j.first, j.right, j.harm, j.change, j.status)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ece is the expected calibration error of the verdicts that were given.
func (t *tally) ece() float64 {
	total, sum := 0.0, 0.0
	for _, b := range t.bins {
		total += b.n
		sum += math.Abs(b.claimed - b.right)
	}
	return sum / max(1, total)
}

func (t *tally) print() {
	fmt.Printf("%d incidents, %d right (%.1f %%), %d abstentions, %d that would do harm\n", t.n, t.right, 100*t.share(t.right), t.abstained, t.harm)
	fmt.Printf("the right change, or rightly none: %.1f %%; the right status: %.1f %%\n\n", 100*t.share(t.change), 100*t.share(t.status))
	fmt.Println("by presentation:")
	for _, name := range slices.Sorted(maps.Keys(t.presentations)) {
		fmt.Printf("  %-20s %d of %d\n", name, t.presentations[name][0], t.presentations[name][1])
	}
	t.printConfusion()
	t.printCalibration()
}

// printConfusion is the confusion matrix, a line a cause: how often it was named, how often the diagnosis abstained, and
// what else was named. Most abstentions are right: the record was stripped.
func (t *tally) printConfusion() {
	fmt.Printf("\n%-28s %6s %12s   others\n", "cause", "named", "undetermined")
	for _, cause := range slices.Sorted(maps.Keys(t.confused)) {
		answers := t.confused[cause]
		fmt.Printf("%-28s %6d %12d  ", cause, answers[cause], answers[incident.Undetermined])
		for _, got := range slices.Sorted(maps.Keys(answers)) {
			if got != cause && got != incident.Undetermined {
				fmt.Printf(" %s %d", got, answers[got])
			}
		}
		fmt.Println()
	}
}

func (t *tally) printCalibration() {
	fmt.Println("\ncalibration of the verdicts given (confidence: claimed, right, verdicts):")
	for i, b := range t.bins {
		if b.n > 0 {
			fmt.Printf("  %.1f to %.1f   %.3f   %.3f   %.0f\n", float64(i)/10, float64(i+1)/10, b.claimed/b.n, b.right/b.n, b.n)
		}
	}
	fmt.Printf("  expected calibration error %.3f\n", t.ece())
	fmt.Printf("\n%d abstentions; where the evidence would have sufficed:\n", t.abstained)
	for _, cause := range slices.Sorted(maps.Keys(t.wrongAbstentions)) {
		fmt.Printf("  %-28s %d\n", cause, t.wrongAbstentions[cause])
	}
}

func (t *tally) share(n int) float64 { return float64(n) / float64(max(1, t.n)) }

// below says, in words, what is not reached.
func (t *tally) below() bool {
	failed := false
	for _, check := range []struct {
		bad  bool
		what string
	}{
		{t.share(t.right) < wantRight, "fewer are right than promised"},
		{t.ece() > wantECE, "the confidence is further from the truth than promised"},
		{t.harm > 0, "there are verdicts whose remedy would do harm"},
	} {
		if check.bad {
			fmt.Println("\nFAIL:", check.what)
			failed = true
		}
	}
	return failed
}
