// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	cdn "cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// refused is CloudTrail's denial as AWS words it.
var refused = kernel.Errorf(http.StatusBadRequest, "AccessDeniedException",
	"User: arn:aws:sts::111122223333:assumed-role/respond/x is not authorized to perform: cloudtrail:LookupEvents with an explicit deny in a service control policy")

func TestADenialIsTriedOnceMoreFromAFreshSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		times   int // how often it is denied
		encoded bool
		gap     string
		finding string
	}{
		{"a session that is answered is a finding, and no gap", 1, false, "", "denied (AccessDeniedException: cloudtrail:LookupEvents is denied explicitly by a service control policy) and answered at once from a fresh session"},
		{"one that is denied as well is a gap that says which policy", 0, false, "AccessDeniedException: cloudtrail:LookupEvents is denied explicitly by a service control policy", ""},
		{"an encoded message is decoded", 0, true, "UnauthorizedOperation: cloudtrail:LookupEvents on arn:aws:x is denied explicitly by a policy that AWS does not name", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			problem := refused
			if tt.encoded {
				problem = kernel.Errorf(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. Encoded authorization failure message: %s",
					a.STS.Encode(`{"allowed":false,"explicitDeny":true,"context":{"action":"cloudtrail:LookupEvents","resource":"arn:aws:x"}}`))
			}
			a.World.Faults.Add(kernel.Fault{Action: "cloudtrail:LookupEvents", Error: problem, Times: tt.times})
			files, gaps := gatherer(a, probes{status: 503}).Gather(t.Context(), question(a))
			ev, err := record.Read(record.Files(files))
			if err != nil {
				t.Fatal(err)
			}
			told := ""
			for _, gap := range gaps {
				told += gap.Why
			}
			if told != tt.gap {
				t.Errorf("gaps %q, want %q", told, tt.gap)
			}
			if found := slices.ContainsFunc(ev.Findings, func(f incident.Fact) bool {
				return f.Source == "cloudtrail/us-east-1" && strings.Contains(f.Fact, tt.finding)
			}); found != (tt.finding != "") {
				t.Errorf("findings %+v", ev.Findings)
			}
			if !slices.ContainsFunc(ev.FailedCalls, func(c incident.FailedCall) bool { return c.Operation == "cloudtrail:LookupEvents" }) {
				t.Errorf("the denied call is not kept: %+v", ev.FailedCalls)
			}
		})
	}
}

func TestADenialRightAfterAssumingTheRoleIsWaitedFor(t *testing.T) {
	t.Parallel()
	a := account(t)
	missing := kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "User: arn:x is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action")
	a.World.Faults.Add(kernel.Fault{Action: "cloudtrail:LookupEvents", Error: missing, Times: 3})
	g := gatherer(a, probes{status: 503})
	start := a.World.Clock.Now()
	var pauses []time.Duration
	g.Assumed = func() time.Time { return start }
	g.Sleep = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	_, gaps := g.Gather(t.Context(), question(a))
	if len(gaps) != 0 || !slices.Equal(pauses, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}) {
		t.Errorf("pauses %v, gaps %+v", pauses, gaps)
	}
}

func TestOurOwnFailedCallsAreKeptForSupport(t *testing.T) {
	t.Parallel()
	a := account(t)
	a.World.Faults.Add(kernel.Fault{Action: "servicequotas:ListServiceQuotas", Error: kernel.Errorf(http.StatusBadRequest, "IllegalArgumentException", "no")})
	files, _ := gatherer(a, probes{status: 503}).Gather(t.Context(), question(a))
	ev, err := record.Read(record.Files(files))
	if err != nil {
		t.Fatal(err)
	}
	if len(ev.FailedCalls) == 0 {
		t.Fatal("no failed call is kept")
	}
	for _, c := range ev.FailedCalls {
		if c.Operation != "servicequotas:ListServiceQuotas" || c.ErrorCode != "IllegalArgumentException" || c.RequestID == "" || c.At.IsZero() || c.Endpoint != a.World.Endpoint {
			t.Errorf("kept: %+v", c)
		}
	}
	for _, secret := range []string{"AWS4-HMAC", "Signature", "Credential"} {
		if strings.Contains(string(files["incident.json"]), secret) {
			t.Errorf("incident.json holds %q", secret)
		}
	}
}

// flaky answers each try with the next of its answers; an empty one is none.
type flaky struct{ answers []string }

func (f *flaky) Do(r *http.Request) (*http.Response, error) {
	next := f.answers[0]
	f.answers = append(f.answers[1:], next)
	if next == "" {
		return nil, errors.New("connection reset by peer")
	}
	status := http.StatusOK
	if next != "Hit" {
		status = http.StatusServiceUnavailable
	}
	return probes{status: status, header: http.Header{"X-Cache": {next + " from cloudfront"}, "X-Amz-Cf-Pop": {"FRA60-P9"}}}.Do(r)
}

func TestWhatDiffersBetweenTriesIsAFinding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answers []string
		want    string
		status  int
	}{
		{"answers that are all the same are none", []string{"Error", "Error", "Error"}, "", 503},
		{"a failure that comes and goes is one", []string{"Hit", "Error", "Hit"}, "3 tries of https://www.example.com/ differ: status 200, 503, 200; x-cache Hit from cloudfront, Error from cloudfront, Hit from cloudfront", 503},
		{"so is a connection that is lost at times", []string{"Error", "", "Error"}, "1 of 2 requests got no answer, the others did: probe: connection reset by peer", 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			g := gatherer(a, &flaky{tt.answers})
			files, _ := g.Gather(t.Context(), question(a))
			ev, err := record.Read(record.Files(files))
			if err != nil {
				t.Fatal(err)
			}
			told := ""
			for _, f := range ev.Findings {
				told += f.Fact
			}
			if told != tt.want || ev.Probe == nil || ev.Probe.Status != tt.status {
				t.Errorf("findings %q, want %q; probe %+v", told, tt.want, ev.Probe)
			}
		})
	}
}

func TestPathsThatFailByTheLogsAreProbed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		paths []string
		root  int
		want  []string
	}{
		{"where the root is well", nil, 200, []string{"/", "/", "/", "/a", "/a"}},
		{"not where the root fails", nil, 503, []string{"/", "/", "/"}},
		{"not where paths are configured", []string{"/health"}, 200, []string{"/health", "/health", "/health"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			deliver(t, a, "CWL", "json", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/cdn", "", false)
			a.Logs.Put("us-east-1", "/aws/vendedlogs/cdn", logs.Event{At: a.World.Clock.Now(), Message: row503})
			asked := []string{}
			g := gatherer(a, prober(func(r *http.Request) int {
				asked = append(asked, r.URL.Path)
				if r.URL.Path == "/a" {
					return 503
				}
				return tt.root
			}))
			g.Paths = tt.paths
			q := question(a)
			q.Snapshot.DomainName = "d111.cloudfront.net"
			files, _ := g.Gather(t.Context(), q)
			if !slices.Equal(asked, tt.want) {
				t.Errorf("asked for %q, want %q", asked, tt.want)
			}
			if slices.Contains(tt.want, "/a") && !strings.Contains(string(files["probe.http"]), "x-cf503-url: https://www.example.com/a\r\n") {
				t.Errorf("the probe is not the failing path's: %s", files["probe.http"])
			}
		})
	}
}

// prober answers with a status that a function chooses.
type prober func(*http.Request) int

func (p prober) Do(r *http.Request) (*http.Response, error) { return probes{status: p(r)}.Do(r) }

// where makes an origin with a name and gathers.
func where(t *testing.T, a *emulatorAccount, origin string, change func(*Gatherer)) record.Files {
	t.Helper()
	config := fmt.Sprintf(`{"Aliases":{"Quantity":1,"Items":["www.example.com"]},"Origins":{"Quantity":1,"Items":[%s]},
		"DefaultCacheBehavior":{"TargetOriginId":"a","ViewerProtocolPolicy":"https-only"}}`, origin)
	g := gatherer(a, probes{status: 503})
	if change != nil {
		change(g)
	}
	q := question(a)
	q.Snapshot.Config = []byte(config)
	files, gaps := g.Gather(t.Context(), q)
	for _, gap := range gaps {
		t.Logf("gap: %+v", gap)
	}
	return record.Files(files)
}

func TestOriginsAreFoundBehindTheirNames(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/"
	for _, tt := range []struct {
		name, origin string
		prepare      func(*testing.T, *emulatorAccount)
		change       func(*Gatherer)
		file         string
		wants        []string
	}{
		{"a bucket's Region and filter are found", `{"Id":"a","DomainName":"media.s3.amazonaws.com"}`, func(_ *testing.T, a *emulatorAccount) {
			a.S3.AddBucket(bucket("media", "eu-west-1"))
			counted(a, "eu-west-1", "AWS/S3", "AllRequests", "BucketName", "media", "FilterId", "images")
		}, nil, "metrics/eu-west-1.json", []string{`"images"`, `"5xxErrors"`}},
		{"an HTTP API is asked for by its id", `{"Id":"a","DomainName":"a1b2c3.execute-api.eu-west-1.amazonaws.com"}`, func(_ *testing.T, a *emulatorAccount) {
			counted(a, "eu-west-1", "AWS/ApiGateway", "Count", "ApiId", "a1b2c3")
		}, nil, "metrics/eu-west-1.json", []string{`"5xx"`, `"a1b2c3"`}},
		{"a REST API by its name, where there is one", `{"Id":"a","DomainName":"a1b2c3.execute-api.eu-west-1.amazonaws.com"}`, func(_ *testing.T, a *emulatorAccount) {
			counted(a, "eu-west-1", "AWS/ApiGateway", "5XXError", "ApiName", "shop")
		}, nil, "metrics/eu-west-1.json", []string{`"5XXError"`, `"shop"`}},
		{"a function URL by the function that has one", `{"Id":"a","DomainName":"abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws"}`, func(_ *testing.T, a *emulatorAccount) {
			counted(a, "eu-west-1", "AWS/Lambda", "UrlRequestCount", "FunctionName", "api")
		}, nil, "metrics/eu-west-1.json", []string{`"Url5xxCount"`, `"Throttles"`}},
		{"a VPC origin's load balancer by its ARN", `{"Id":"a","DomainName":"inner.example.internal","VpcOriginConfig":{"VpcOriginId":"vo_1"}}`, func(t *testing.T, a *emulatorAccount) {
			balancerOf(t, a, arn+"app/inner/0a", "internal-inner-1.eu-west-1.elb.amazonaws.com", "application")
			if err := a.CloudFront.PutResource(cdn.VpcOrigin, "vo_1", "", []byte(`{"Id":"vo_1","VpcOriginEndpointConfig":{"Name":"inner","Arn":"`+arn+`app/inner/0a","HTTPPort":80,"HTTPSPort":443,"OriginProtocolPolicy":"https-only"}}`)); err != nil {
				t.Fatal(err)
			}
		}, nil, "elbv2/eu-west-1.json", []string{`app/inner/0a`}},
		{"a network load balancer by its name in DNS, and its own metrics", `{"Id":"a","DomainName":"net-1a.elb.eu-west-1.amazonaws.com"}`, func(t *testing.T, a *emulatorAccount) {
			balancerOf(t, a, arn+"net/net/0b", "net-1a.elb.eu-west-1.amazonaws.com", "network")
		}, nil, "metrics/eu-west-1.json", []string{`"AWS/NetworkELB"`, `"TCP_ELB_Reset_Count"`}},
		{"a name of one's own by what it stands for", `{"Id":"a","DomainName":"origin.example.com"}`, func(t *testing.T, a *emulatorAccount) {
			balancerOf(t, a, arn+"app/web/0c", "web-1.eu-west-1.elb.amazonaws.com", "application")
		}, func(g *Gatherer) {
			g.Resolve = func(context.Context, string) (string, error) { return "web-1.eu-west-1.elb.amazonaws.com.", nil }
		}, "elbv2/eu-west-1.json", []string{`app/web/0c`}},
		{"a change where the origin is, is asked for there", `{"Id":"a","DomainName":"media.s3.eu-west-1.amazonaws.com"}`, nil, nil, "cloudtrail/eu-west-1.json", []string{`"Events"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			if tt.prepare != nil {
				tt.prepare(t, a)
			}
			file := string(where(t, a, tt.origin, tt.change)[tt.file])
			for _, want := range tt.wants {
				if !strings.Contains(file, want) {
					t.Errorf("%s does not hold %s: %.400s", tt.file, want, file)
				}
			}
			for _, v := range a.World.Violations() {
				t.Errorf("AWS would have refused: %s", v)
			}
		})
	}
}
