// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"strings"
	"testing"

	"cloudfront503/pkg/emulator/kernel"
)

// What AWS Support asks for lies in the incident's folder, calls of our own that failed included.
func TestTheIncidentHoldsACaseForSupport(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	r.World.Faults.Add(kernel.Fault{Action: "servicequotas:ListServiceQuotas", Error: kernel.Errorf(http.StatusBadRequest, "AccessDeniedException",
		"User: arn:aws:sts::"+account+":assumed-role/x/y is not authorized to perform: servicequotas:ListServiceQuotas with an explicit deny in a service control policy")})
	breaks(t, r)
	untilAsked(t, r)
	text, there := r.S3.Get(r.Bucket, r.Folder()+"support-case.txt")
	if !there {
		t.Fatal("no support-case.txt")
	}
	for _, want := range []string{"Subject: CloudFront distribution", "our call servicequotas:ListServiceQuotas", "AccessDeniedException, request id", "x-edge-request-id in the logs"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	cover, _ := r.S3.Get(r.Bucket, r.Folder()+"evidence/incident.json")
	if !strings.Contains(string(cover), "denied explicitly by a service control policy") {
		t.Errorf("no gap says which policy denied: %s", cover)
	}
	if _, there := r.S3.Get(r.Bucket, r.Folder()+"evidence/probes/1-1.http"); !there {
		t.Error("the tries are not kept")
	}
}
