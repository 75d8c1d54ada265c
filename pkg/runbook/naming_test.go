// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook

import (
	"fmt"
	"testing"

	"cloudfront503/pkg/incident"
)

func TestAGateNamesAsManyAsSSMTakes(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/stack-"
	for _, c := range []struct {
		name                      string
		byRole                    bool
		approvers, required, want int
	}{
		{"two sign for themselves too", false, 2, 1, 4},
		{"five just fit", false, 5, 1, 10},
		{"of six only approve signs", false, 6, 1, 6},
		{"of ten only approve signs", false, 10, 1, 10},
		{"where two are needed only approve signs", false, 2, 2, 2},
		{"by role there is room for nine", true, 9, 1, 10},
		{"by role there is none for ten", true, 10, 1, 1},
		{"by role, where two are needed", true, 2, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var approvers []incident.Approver
			for i := range c.approvers {
				approvers = append(approvers, incident.Approver{Name: fmt.Sprintf("person%d", i)})
			}
			naming := Naming{ByRole: c.byRole, Signer: role + "signer", Own: func(a incident.Approver) string { return role + "of-" + a.Name }}
			entries, err := naming.Approvers(approvers, c.required)
			if err != nil || len(entries) != c.want || len(entries) > mostApprovers {
				t.Errorf("%d entries, %v: %q", len(entries), err, entries)
			}
		})
	}
}
