// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command accuracy measures the diagnosis over the held-out half of the corpus: the confusion matrix, the calibration and
// the abstentions. It fails below the bar: 95 % right, no verdict whose remedy would do harm, and an expected calibration
// error of at most 0.05.
package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/diagnosis/corpus"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// The bar, and how much is measured. Set 1 is for fitting weights, set 2 is held out.
const (
	leastRight = 0.95
	mostError  = 0.05
	heldOut    = 2
	seeds      = 4
)

// bin is a tenth of the confidences.
type bin struct {
	n, right int
	sum      float64 // of the confidences
}

// measure is what the corpus says about the diagnosis.
type measure struct {
	n, right, abstained int
	harmful, unread     []string
	confused            map[incident.Cause]map[incident.Cause]int // truth → answer
	byPresentation      map[string]*bin
	bins                [10]bin
}

func main() {
	m := measure{confused: map[incident.Cause]map[incident.Cause]int{}, byPresentation: map[string]*bin{}}
	for _, c := range corpus.All(corpus.Seeds(heldOut, seeds)) {
		m.add(c)
	}
	m.print()
	if failures := m.failures(); len(failures) > 0 {
		fmt.Fprintln(os.Stderr, "accuracy:", strings.Join(failures, "; "))
		os.Exit(1)
	}
}

// add diagnoses one case and counts the answer.
func (m *measure) add(c corpus.Case) {
	evidence, err := record.Read(record.Files(c.Files))
	if err != nil {
		m.unread = append(m.unread, c.Name)
		return
	}
	verdict := diagnosis.Diagnose(evidence).Verdict
	right := slices.Contains(c.Accept, verdict.Cause)
	m.n++
	m.right += one(right)
	m.abstained += one(verdict.Cause == incident.Undetermined)
	if slices.Contains(c.MustNot, verdict.Cause) {
		m.harmful = append(m.harmful, c.Name+" as "+string(verdict.Cause))
	}
	if m.confused[c.Cause] == nil {
		m.confused[c.Cause] = map[incident.Cause]int{}
	}
	m.confused[c.Cause][verdict.Cause]++
	m.count(c.Presentation, verdict, right)
}

func (m *measure) count(presentation string, verdict incident.Verdict, right bool) {
	if m.byPresentation[presentation] == nil {
		m.byPresentation[presentation] = &bin{}
	}
	bins := []*bin{m.byPresentation[presentation]}
	if verdict.Cause != incident.Undetermined {
		bins = append(bins, &m.bins[min(9, int(verdict.Confidence*10))])
	}
	for _, b := range bins {
		b.n++
		b.right += one(right)
		b.sum += verdict.Confidence
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// calibration is the expected calibration error: how far confidences are from what came true, weighed by how many there are.
func (m *measure) calibration() float64 {
	off, n := 0.0, 0
	for _, b := range m.bins {
		off, n = off+math.Abs(b.sum-float64(b.right)), n+b.n
	}
	return off / math.Max(1, float64(n))
}

func (m *measure) print() {
	fmt.Println("truth                       answers")
	for _, truth := range slices.Sorted(maps.Keys(m.confused)) {
		fmt.Printf("  %-26s%s\n", truth, answers(m.confused[truth]))
	}
	fmt.Println("\nconfidence   verdicts  said  came true")
	for i, b := range m.bins {
		if b.n > 0 {
			fmt.Printf("  %.1f to %.1f %9d  %4.2f  %4.2f\n", float64(i)/10, float64(i+1)/10, b.n, b.sum/float64(b.n), float64(b.right)/float64(b.n))
		}
	}
	fmt.Println("\npresentation        incidents  right")
	for _, name := range slices.Sorted(maps.Keys(m.byPresentation)) {
		b := m.byPresentation[name]
		fmt.Printf("  %-20s%7d  %5.1f %%\n", name, b.n, 100*float64(b.right)/float64(b.n))
	}
	fmt.Printf("\n%d incidents: %.1f %% right, %d abstentions, %d harmful, calibration error %.3f\n",
		m.n, 100*float64(m.right)/float64(m.n), m.abstained, len(m.harmful), m.calibration())
}

// answers are what was said about one truth, the most frequent first.
func answers(counts map[incident.Cause]int) string {
	causes := slices.SortedFunc(maps.Keys(counts), func(a, b incident.Cause) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(string(a), string(b))
	})
	var said []string
	for _, cause := range causes {
		said = append(said, fmt.Sprintf("%d %s", counts[cause], cause))
	}
	return strings.Join(said, ", ")
}

// failures are what is below the bar.
func (m *measure) failures() []string {
	var failures []string
	if share := float64(m.right) / float64(max(1, m.n)); share < leastRight {
		failures = append(failures, fmt.Sprintf("%.1f %% are right, not %.0f %%", 100*share, 100*leastRight))
	}
	if e := m.calibration(); e > mostError {
		failures = append(failures, fmt.Sprintf("the calibration error is %.3f", e))
	}
	if len(m.harmful) > 0 {
		failures = append(failures, "harmful: "+strings.Join(m.harmful, ", "))
	}
	if len(m.unread) > 0 {
		failures = append(failures, "not readable: "+strings.Join(m.unread, ", "))
	}
	return failures
}
