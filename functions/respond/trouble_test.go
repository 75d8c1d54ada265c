// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"
	"time"
)

func TestWhatCannotBeRecordedAnywhereIsToldEverMoreRarely(t *testing.T) {
	t.Parallel()
	told := func(from, to time.Duration) int {
		n := 0
		for age := from; age < to; age += sweeps {
			if toldAt(age) {
				n++
			}
		}
		return n
	}
	for name, c := range map[string]struct {
		from, to time.Duration
		want     int
	}{
		"before the first sweep":            {0, sweeps, 0},
		"in the first hour":                 {0, time.Hour, 2},
		"in the first day":                  {0, 24 * time.Hour, 6},
		"in a later day":                    {48 * time.Hour, 72 * time.Hour, 4},
		"in the first hour, out of step":    {2 * time.Minute, time.Hour, 2},
		"in a later day, sweeps in between": {48*time.Hour + 3*time.Minute, 72*time.Hour + 3*time.Minute, 4},
	} {
		if got := told(c.from, c.to); got != c.want {
			t.Errorf("%s: %d times, want %d", name, got, c.want)
		}
	}
}
