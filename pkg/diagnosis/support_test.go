// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis_test

import (
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/incident"
)

func TestSupportCaseNamesEveryIDThatSupportAsksFor(t *testing.T) {
	at := time.Date(2026, 11, 24, 3, 41, 51, 0, time.UTC)
	tried := func(status int, id string) incident.Probe {
		return incident.Probe{Status: status, Headers: map[string]string{"x-amz-cf-id": id, "x-amz-request-id": "S3-" + id, "x-amz-id-2": "S3long-" + id}}
	}
	text := diagnosis.SupportCase(incident.Evidence{
		Distribution: "E2EXAMPLE7QZ4K1", AlarmAt: at,
		Probe: &incident.Probe{Status: 503}, Probes: []incident.Probe{tried(503, "first"), tried(200, "healthy"), tried(503, "third")},
		Logs:        &incident.Logs{Groups: []incident.LogGroup{{Status: 503, Requests: []incident.LoggedRequest{{ID: "logged", At: at, Edge: "FRA1", Status: 503, Path: "/a\x1b[2J"}}}}},
		FailedCalls: []incident.FailedCall{{At: at, Operation: "s3:GetObject", Endpoint: "https://b.s3.amazonaws.com", RequestID: "REQ", ExtendedID: "EXT", ErrorCode: "AccessDenied"}},
		Findings:    []incident.Fact{{Source: "probes", Fact: "3 tries differ"}},
	}, incident.Diagnosis{Candidates: []incident.Candidate{{For: []incident.Fact{{Source: "probe", Fact: "one fact"}}}}})
	for _, want := range []string{"first", "S3long-third", "logged", "s3:GetObject", "request id REQ, extended id EXT", "https://b.s3.amazonaws.com", "3 tries differ", "one fact"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "healthy") || strings.Contains(text, "\x1b") {
		t.Errorf("too much in:\n%s", text)
	}
}
