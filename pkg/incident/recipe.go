// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// Recipe is what a remedy that is no merge computes its change from: together with the live configuration, and the snapshot
// that the plan names where it is a wish, it gives the same change again. Exactly one member is set.
type Recipe struct {
	Edge     *EdgeRecipe     `json:"edge,omitempty"`
	Failover *FailoverRecipe `json:"failover,omitempty"`
	Protect  *ProtectRecipe  `json:"protect,omitempty"`
	Code     *CodeRecipe     `json:"code,omitempty"`
	Trust    *TrustRecipe    `json:"trust,omitempty"`
	Evidence *EvidenceRecipe `json:"evidence,omitempty"`
	Restore  *RestoreRecipe  `json:"restore,omitempty"`
}

// RestoreRecipe puts fields back to what a snapshot holds because a person asks for it, and no diagnosis. The snapshot is
// the plan's Ours.
type RestoreRecipe struct {
	Only []string `json:"only,omitempty"` // paths, each with all below it; empty: whatever differs and may go back
	By   string   `json:"by"`             // the ARN of who asks
}

// EdgeRecipe points associations of a Lambda@Edge function to another version, or takes them off.
type EdgeRecipe struct {
	Repoint []Repoint `json:"repoint"`
}

// Repoint is one association: where it stands, the version that stands there and the one that should.
type Repoint struct {
	Behavior  string `json:"behavior"`  // the path pattern, "*" for the default behaviour
	EventType string `json:"eventType"` // viewer-request, viewer-response, origin-request or origin-response
	From      string `json:"from"`      // the version's ARN
	To        string `json:"to,omitempty"`
}

// Detaches reports whether an association would be taken off, and nothing put in its place.
func (r EdgeRecipe) Detaches() bool {
	for _, repoint := range r.Repoint {
		if repoint.To == "" {
			return true
		}
	}
	return false
}

// FailoverRecipe sends behaviours that fetch from a failing origin to a group in which another origin stands ready.
type FailoverRecipe struct {
	Origin    string   `json:"origin"`              // the failing one
	Standby   string   `json:"standby"`             // the one that takes over
	Group     string   `json:"group"`               // the origin group's id
	Make      bool     `json:"make,omitempty"`      // the group does not exist yet
	Codes     []int    `json:"codes,omitempty"`     // status codes that the group lacks for failing over; all of them where Make
	Behaviors []string `json:"behaviors,omitempty"` // path patterns that go to the group; empty: they do already
	Writes    []string `json:"writes,omitempty"`    // path patterns that stay with the failing origin, because they take writes
}

// ProtectRecipe takes load off an origin, or lets a replayed error go sooner.
type ProtectRecipe struct {
	Origin       string `json:"origin,omitempty"`       // that gets Origin Shield
	ShieldRegion string `json:"shieldRegion,omitempty"` // empty: no Origin Shield
	ErrorCode    int    `json:"errorCode,omitempty"`    // whose caching time changes; 0: none
	ErrorTTL     int    `json:"errorTtl,omitempty"`     // ErrorCachingMinTTL, in seconds
}
