// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
)

// harmless refuses a result that takes away what no remedy may, whatever the plan says: the distribution stays on and
// stays itself, and WAF, TLS and geo limits are never taken off. What only changes them goes where it is blamed.
func harmless(live, result distribution.Config, blamed []string) error {
	for _, guard := range protections {
		before, after := live.Value(guard.path), result.Value(guard.path)
		if string(before) == string(after) {
			continue
		}
		if guard.lost(before, after) {
			return refuse("%s would be %s, which no remedy may do", guard.path, guard.verb)
		}
		if !under(guard.path, blamed) {
			return refuse("%s would change, and is not what is blamed", guard.path)
		}
	}
	for _, path := range weaker(live, result) {
		if !under(path, blamed) {
			return refuse("%s would be weaker than it is", path)
		}
	}
	return nil
}

// weaker are the paths of what protects a behaviour or an origin and would protect it less. What goes away whole is not
// meant.
func weaker(live, result distribution.Config) []string {
	var paths []string
	for _, behavior := range live.Behaviors() {
		protocol := behavior.Path() + "/ViewerProtocolPolicy"
		if weakens(live, result, protocol, viewerProtocols) {
			paths = append(paths, protocol)
		}
		for _, member := range []string{"TrustedKeyGroups", "TrustedSigners"} {
			if on := behavior.Path() + "/" + member + "/Enabled"; weakens(live, result, on, []string{"false", "true"}) {
				paths = append(paths, on)
			}
		}
	}
	for _, origin := range live.Origins() {
		protocol := distribution.ElementPath("Origins", origin.ID) + "/CustomOriginConfig/OriginProtocolPolicy"
		if weakens(live, result, protocol, originProtocols) {
			paths = append(paths, protocol)
		}
	}
	return paths
}

func weakens(live, result distribution.Config, path string, strengths []string) bool {
	before, after := live.Value(path), result.Value(path)
	return !isEmpty(before) && !isEmpty(after) && strengthOf(strengths, after) < strengthOf(strengths, before)
}

// protection is a part of the configuration that no remedy may take away.
type protection struct {
	path, verb string
	lost       func(before, after json.RawMessage) bool
}

// protections are compared as wholes; what CloudFront calls them is the path.
var protections = []protection{
	{"Enabled", "switched", anyChange},
	{"CallerReference", "changed", anyChange},
	{"Staging", "changed", anyChange},
	{"ConnectionMode", "changed", anyChange},
	{"WebACLId", "emptied", emptied},
	{"ViewerCertificate/MinimumProtocolVersion", "weakened", olderTLS},
	{"ViewerCertificate/ACMCertificateArn", "emptied", emptied},
	{"ViewerCertificate/IAMCertificateId", "emptied", emptied},
	{"ViewerMtlsConfig", "taken off", emptied},
	{"Restrictions/GeoRestriction/RestrictionType", "taken off", unrestricted},
	{"Restrictions/GeoRestriction/Items", "changed", func(_, _ json.RawMessage) bool { return false }},
}

func anyChange(_, _ json.RawMessage) bool { return true }

func emptied(before, after json.RawMessage) bool { return !isEmpty(before) && isEmpty(after) }

func isEmpty(value json.RawMessage) bool {
	return slices.Contains([]string{"", "null", `""`, "{}"}, string(value))
}

func unrestricted(before, after json.RawMessage) bool {
	none := func(value json.RawMessage) bool { return isEmpty(value) || string(value) == `"none"` }
	return !none(before) && none(after)
}

// tls are the security policies, the weakest first; a policy that is not here counts as stronger than all, so that
// leaving it is refused [CloudFront API, ViewerCertificate.MinimumProtocolVersion].
var tls = []string{"SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}

func olderTLS(before, after json.RawMessage) bool {
	return strengthOf(tls, after) < strengthOf(tls, before)
}

// strengthOf is where the value stands in a list that begins with the weakest; nothing is weaker than all, and what is not
// in the list stronger.
func strengthOf(list []string, value json.RawMessage) int {
	if isEmpty(value) {
		return -1
	}
	if at := slices.Index(list, strings.Trim(string(value), `"`)); at >= 0 {
		return at
	}
	return len(list)
}

// How a behaviour treats plain HTTP, and how CloudFront speaks to an origin; the weakest first.
var (
	viewerProtocols = []string{"allow-all", "redirect-to-https", "https-only"}
	originProtocols = []string{"http-only", "match-viewer", "https-only"}
)

// Needed is how many different people must approve a change at the least, whatever the plan says: two where it takes off
// what may protect something, or where one change reaches all tenants of a multi-tenant distribution.
func Needed(live, result distribution.Config) int {
	if live.TenantOnly() || len(Exposes(live, result)) > 0 {
		return 2
	}
	return 1
}
