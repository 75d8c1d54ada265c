// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAnOpenTellsTheStackWhoAsks(t *testing.T) {
	r := newRig(t)
	out, said, status := r.cf503("open", shop)
	if status != 0 || said != "" || !strings.Contains(out, "cloudfront503-respond looks into "+shop) {
		t.Fatalf("status %d, %s\n%s", status, said, out)
	}
	var asked struct {
		Cloudfront503, Distribution, By string
		At                              time.Time
	}
	r.ok(json.Unmarshal(r.stack.asked, &asked))
	if asked.Cloudfront503 != "open" || asked.Distribution != shop || asked.By != ana || r.world.Clock.Now().Sub(asked.At).Abs() > 5*time.Second {
		t.Errorf("it asks %s", r.stack.asked)
	}
}

func TestAnOpenThatCannotBeToldSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		arguments []string
		may, says string
		status    int
	}{
		"no distribution": {[]string{"open", "../etc"}, `"*"`, "is no distribution's id", statusUsage},
		"no argument":     {[]string{"open"}, `"*"`, "usage: cf503 open DISTRIBUTION", statusUsage},
		"another stack":   {[]string{"open", shop, "--stack", "other"}, `"*"`, "there is no function other-respond", 1},
		"not allowed":     {[]string{"open", shop}, `"sts:*"`, "you may not: ", 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.may(c.may)
			if _, said, status := r.cf503(c.arguments...); status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("status %d, %s", status, said)
			}
			if r.stack.asked != nil {
				t.Errorf("the stack was asked %s", r.stack.asked)
			}
		})
	}
}
