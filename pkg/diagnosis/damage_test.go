// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/diagnosis/corpus"
	"cloudfront503/pkg/evidence/record"
)

// mangle does to a file what disks, networks and editors do: bits flip, pieces are lost, doubled, or cut off.
func mangle(r *rand.Rand, whole []byte) []byte {
	b := slices.Clone(whole)
	for range 1 + r.IntN(30) {
		if len(b) == 0 {
			break
		}
		i := r.IntN(len(b))
		switch r.IntN(5) {
		case 0:
			b[i] ^= byte(1 << r.IntN(8))
		case 1:
			b = append(b[:i], b[min(len(b), i+r.IntN(50)):]...)
		case 2:
			b = slices.Insert(b, i, b[i:min(len(b), i+r.IntN(60))]...)
		case 3:
			b = b[:len(b)-len(b)/20]
		default:
			b = append(b[:i], whole[min(i+5, len(whole)):]...)
		}
	}
	return b
}

// Whatever is damaged, nothing may crash, and no verdict may follow whose remedy does harm. CF503_DAMAGE_SEED tries others.
func TestDamageDoesNoHarm(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("CF503_DAMAGE_SEED"), 10, 64)
	r := rand.New(rand.NewPCG(seed, 503))
	n, harm := 0, 0
	for _, c := range corpus.All(corpus.Seeds(4+seed, 1)) {
		files := record.Files(maps.Clone(c.Files))
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if r.IntN(2) == 0 {
				files[name] = mangle(r, files[name])
			}
		}
		ev, err := record.Read(files)
		if err != nil {
			continue
		}
		n++
		d := diagnosis.Diagnose(ev)
		diagnosis.Text(ev, d)
		diagnosis.SupportCase(ev, d)
		if slices.Contains(c.MustNot, d.Verdict.Cause) {
			harm++
			t.Logf("%s: %s at %.2f: for %v, against %v", c.Name, d.Verdict.Cause, d.Verdict.Confidence, d.Candidates[0].For, d.Candidates[0].Against)
		}
	}
	if n < 100 || harm > 0 {
		t.Errorf("%d of %d damaged records lead to harm", harm, n)
	}
}
