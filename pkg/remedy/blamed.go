// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"fmt"
	"slices"
	"strconv"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// Blamed are the paths of the fields that a diagnosis blames, empty where its cause names none. For error-page-503 they
// are the custom error responses of the codes that it names; for origin-mtls the client certificates of its origins.
func Blamed(diagnosis incident.Diagnosis) []string {
	var paths []string
	switch diagnosis.Verdict.Cause {
	case incident.ErrorPage503:
		for _, code := range diagnosis.Detail.ErrorCodes {
			paths = append(paths, distribution.ElementPath("CustomErrorResponses", strconv.Itoa(code)))
		}
	case incident.OriginMTLS:
		for _, id := range diagnosis.Detail.OriginIDs {
			paths = append(paths, distribution.ElementPath("Origins", id)+"/CustomOriginConfig/OriginMtlsConfig")
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Exposes says, in one sentence each, what a change takes off: an edge function that may check who comes in, mutual TLS
// to an origin. Such a change needs two people.
func Exposes(live, result distribution.Config) []string {
	var said []string
	after := edgeFunctions(result)
	for _, function := range edgeFunctions(live) {
		if !slices.Contains(after, function) {
			said = append(said, "Detaches "+function+"; if it checks who may come in, content is open to everybody.")
		}
	}
	for _, origin := range live.Origins() {
		restored, _ := result.Origin(origin.ID)
		if origin.ClientCert != "" && restored.ClientCert == "" && restored.ID != "" {
			said = append(said, "Takes mutual TLS off origin "+origin.ID+", which is less protected then.")
		}
	}
	for _, guard := range protections {
		if string(live.Value(guard.path)) != string(result.Value(guard.path)) {
			said = append(said, "Changes "+guard.path+", which protects the distribution.")
		}
	}
	for _, path := range weaker(live, result) {
		said = append(said, "Weakens "+path+".")
	}
	return said
}

// Returns reports whether a change may be taken back without asking anybody again: what it put there goes, and nothing that
// protects goes with it.
func Returns(live, result distribution.Config) bool { return len(Exposes(result, live)) == 0 }

// edgeFunctions are where edge functions run: one entry a behaviour, event type and kind, whichever version it is.
func edgeFunctions(config distribution.Config) []string {
	var places []string
	for _, behavior := range config.Behaviors() {
		for _, association := range behavior.Lambda {
			places = append(places, fmt.Sprintf("the Lambda@Edge function at %s of behaviour %s", association.EventType, behavior.PathPattern))
		}
		for _, association := range behavior.Functions {
			places = append(places, fmt.Sprintf("the CloudFront Function at %s of behaviour %s", association.EventType, behavior.PathPattern))
		}
	}
	return places
}
