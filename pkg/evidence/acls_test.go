// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

const (
	webARN  = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/01"
	webDNS  = "web-1.eu-west-1.elb.amazonaws.com"
	apiDNS  = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
	apiARN  = "arn:aws:apigateway:eu-west-1::/restapis/a1b2c3d4e5/stages/prod"
	gateARN = "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/gate/0a"
)

// gate is a web ACL whose second rule answers 503 to who asks too often; what its rules look for is a secret.
func gate(t *testing.T, a *emulator.Account, resource string) {
	t.Helper()
	document := `{"Name":"gate","Id":"0a","ARN":"` + gateARN + `","DefaultAction":{"Allow":{}},"Rules":[
		{"Name":"known","Priority":0,"Action":{"Count":{}},"Statement":{"ByteMatchStatement":{"SearchString":"c2VjcmV0"}}},
		{"Name":"too-many","Priority":1,"Action":{"Block":{"CustomResponse":{"ResponseCode":503}}}}]}`
	logging := `{"ResourceArn":"` + gateARN + `","LogDestinationConfigs":["arn:aws:logs:eu-west-1:111122223333:log-group:aws-waf-logs-gate"]}`
	if err := a.WAF.Put([]byte(document), []byte(logging)); err != nil {
		t.Fatal(err)
	}
	a.WAF.Associate(resource, gateARN)
	now := a.World.Clock.Now()
	for i := range 40 {
		a.Logs.Put("eu-west-1", "aws-waf-logs-gate", logs.Event{At: now, Message: fmt.Sprintf(
			`{"timestamp":%d,"webaclId":%q,"terminatingRuleId":"too-many","action":"BLOCK","httpSourceName":"ALB","httpSourceId":"111122223333-app/web/01","responseCodeSent":503}`, now.UnixMilli()+int64(i), gateARN)})
	}
	counted(a, "eu-west-1", "AWS/WAFV2", "BlockedRequests", "WebACL", "gate", "Rule", "ALL", "Region", "eu-west-1")
}

// from asks about a distribution whose only origin has the domain name and the path.
func from(a *emulator.Account, domain, path string) Question {
	q := question(a)
	q.Snapshot.Config = json.RawMessage(strings.Replace(configuration, `"DomainName":"origin.example.com"`, fmt.Sprintf(`"DomainName":%q,"OriginPath":%q`, domain, path), 1))
	return q
}

func TestTheWebACLBeforeAnOriginIsRead(t *testing.T) {
	t.Parallel()
	balancer := func(t *testing.T, a *emulator.Account) {
		balancerOf(t, a, webARN, webDNS, "application")
		gate(t, a, webARN)
	}
	tests := []struct {
		name, domain, path string
		failing            string // the path that is probed
		prepare            func(*testing.T, *emulator.Account)
		want               []incident.WebACL
		gap                string // of the Region's web ACLs
	}{
		{"at a load balancer", webDNS, "", "/", balancer, []incident.WebACL{{Region: "eu-west-1", Resource: webARN, ARN: gateARN, Name: "gate", Answers503: []string{"too-many"}}}, ""},
		{"a load balancer without one", webDNS, "", "/", func(t *testing.T, a *emulator.Account) {
			balancerOf(t, a, webARN, webDNS, "application")
			a.WAF.Associate(webARN, "")
		}, []incident.WebACL{{Region: "eu-west-1", Resource: webARN}}, ""},
		{"a network load balancer takes none and is not asked about", webDNS, "", "/", func(t *testing.T, a *emulator.Account) {
			balancerOf(t, a, strings.Replace(webARN, "/app/", "/net/", 1), webDNS, "network")
		}, nil, ""},
		{"at the stage that the origin's path names", apiDNS, "/prod/v1", "/", func(t *testing.T, a *emulator.Account) { gate(t, a, apiARN) },
			[]incident.WebACL{{Region: "eu-west-1", Resource: apiARN, ARN: gateARN, Name: "gate", Answers503: []string{"too-many"}}}, ""},
		{"at the stage that the failing path names", apiDNS, "", "/prod/orders", func(t *testing.T, a *emulator.Account) { gate(t, a, apiARN) },
			[]incident.WebACL{{Region: "eu-west-1", Resource: apiARN, ARN: gateARN, Name: "gate", Answers503: []string{"too-many"}}}, ""},
		{"a stage that nothing names", apiDNS, "", "/", nil, nil, "which stage of the API a1b2c3d4e5"},
		{"an HTTP API takes none and is not asked about", apiDNS, "", "/", func(_ *testing.T, a *emulator.Account) {
			counted(a, "eu-west-1", "AWS/ApiGateway", "5xx", "ApiId", "a1b2c3d4e5")
		}, nil, ""},
		{"a denied call", webDNS, "", "/", func(t *testing.T, a *emulator.Account) {
			balancer(t, a)
			a.World.Faults.Add(kernel.Fault{Action: "wafv2:GetWebACLForResource", Error: kernel.Errorf(400, "AccessDeniedException",
				"User: x is not authorized to perform: wafv2:GetWebACLForResource with an explicit deny in a service control policy")})
		}, nil, "wafv2:GetWebACLForResource is denied explicitly by a service control policy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			if test.prepare != nil {
				test.prepare(t, a)
			}
			g := gatherer(a, probes{status: 503})
			g.Paths = []string{test.failing}
			files, gaps := g.Gather(t.Context(), from(a, test.domain, test.path))
			ev, err := record.Read(record.Files(files))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(encode(ev.WebACLs)), string(encode(test.want)); got != want {
				t.Errorf("web ACLs %s, want %s", got, want)
			}
			if strings.Contains(string(files["wafv2/eu-west-1.json"]), "c2VjcmV0") {
				t.Error("what a rule looks for is kept")
			}
			said := ""
			for _, gap := range gaps {
				if gap.Source == "wafv2/eu-west-1" {
					said = gap.Why
				}
			}
			if (test.gap == "") != (said == "") || !strings.Contains(said, test.gap) {
				t.Errorf("the gap says %q, want %q", said, test.gap)
			}
			if violations := a.World.Violations(); len(violations) > 0 {
				t.Errorf("AWS would have refused: %v", violations)
			}
		})
	}
}

func TestA503OfTheOriginsWebACLIsItsOwn(t *testing.T) {
	t.Parallel()
	a := account(t)
	balancerOf(t, a, webARN, webDNS, "application")
	gate(t, a, webARN)
	files, _ := gatherer(a, probes{status: 503}).Gather(t.Context(), from(a, webDNS, ""))
	ev, err := record.Read(record.Files(files))
	if err != nil {
		t.Fatal(err)
	}
	if ev.WAF == nil || ev.WAF.Records != 40 {
		t.Errorf("the web ACL's logs: %+v", ev.WAF)
	}
	if verdict := diagnosis.Diagnose(ev).Verdict; verdict.Cause != incident.WAF503 {
		t.Errorf("verdict %+v", verdict)
	}
}
