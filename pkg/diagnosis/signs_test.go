// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"testing"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

func TestWhatIsBehindACutSpeaksForNothing(t *testing.T) {
	headers := func(server, cache string) map[string]string {
		return map[string]string{"server": server, "x-cache": cache}
	}
	for name, c := range map[string]struct {
		probe incident.Probe
		sign  signID
		want  state
	}{
		"a whole answer of the edge that is no page": {incident.Probe{Status: 503, Headers: headers("CloudFront", "Error from cloudfront"), Body: "wait"}, "edge wrote a custom answer", present},
		"one that ends before the page begins":       {incident.Probe{Status: 503, Headers: headers("CloudFront", "Error from cloudfront"), Body: "<!DOC", Cut: true}, "edge wrote a custom answer", unknown},
		"a whole answer without an age":              {incident.Probe{Status: 503, Headers: headers("nginx", "Error from cloudfront"), Body: "x"}, "the answer has an age", absent},
		"headers that end early":                     {incident.Probe{Status: 503, Headers: headers("nginx", ""), Cut: true}, "the answer has an age", unknown},
		"a whole answer that names no server":        {incident.Probe{Status: 503, Headers: headers("", "Error from cloudfront")}, "a server of one's own wrote it", present},
		"a status line and nothing else":             {incident.Probe{Status: 503, Headers: headers("", ""), Cut: true}, "a server of one's own wrote it", unknown},
		"an S3 answer without a code":                {incident.Probe{Status: 503, Headers: headers("AmazonS3", "Error from cloudfront"), Body: "no"}, "S3 says SlowDown", absent},
		"an S3 answer that ends before its code":     {incident.Probe{Status: 503, Headers: headers("AmazonS3", "Error from cloudfront"), Body: "<?xml", Cut: true}, "S3 says SlowDown", unknown},
		"a load balancer's other words":              {incident.Probe{Status: 503, Headers: headers("awselb/2.0", "Error from cloudfront"), Body: "soon"}, "load balancer wrote words of its owner", present},
		"a load balancer's page that ends early":     {incident.Probe{Status: 503, Headers: headers("awselb/2.0", "Error from cloudfront"), Body: "<html>", Cut: true}, "load balancer wrote words of its owner", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			v := look(&incident.Evidence{Probe: &c.probe})
			if got := observe(v)[c.sign]; got.state != c.want {
				t.Errorf("%s: state %d (%s), want %d", c.sign, got.state, got.fact, c.want)
			}
		})
	}
}

func TestReplicasThatWereNeverSeenToRunSayNothingBySilence(t *testing.T) {
	v := &view{onset: time.Date(2026, 3, 3, 20, 5, 0, 0, time.UTC)}
	silent := flow{asked: true}
	for name, c := range map[string]struct {
		invocations flow
		want        state
	}{
		"the Regions asked run it":       {flow{asked: true, data: true, before: 50, after: 50}, absent},
		"none of the Regions asked does": {flow{asked: true}, unknown},
		"nobody asked for invocations":   {flow{}, absent},
	} {
		t.Run(name, func(t *testing.T) {
			if got := v.replicas(lambdaView{name: "f", invocations: c.invocations}, silent, "Errors"); got.state != c.want {
				t.Errorf("state %d, want %d", got.state, c.want)
			}
		})
	}
}

func TestADeletionInCloudTrailStandsForAStateThatWasNotRead(t *testing.T) {
	onset := time.Date(2026, 3, 3, 20, 5, 0, 0, time.UTC)
	call := incident.Call{Name: "DeleteFunction", Source: "lambda.amazonaws.com", Region: "us-east-1", At: onset.Add(-time.Minute), Parameters: map[string]any{"functionName": "f"}}
	l := lambdaView{arn: "arn:aws:lambda:us-east-1:111122223333:function:f:3", name: "f"}
	for name, c := range map[string]struct {
		change func(*incident.Call, *lambdaView)
		want   state
	}{
		"of this function": {func(*incident.Call, *lambdaView) {}, present},
		"of this version": {func(c *incident.Call, _ *lambdaView) {
			c.Parameters = map[string]any{"functionName": "f", "qualifier": "3"}
		}, present},
		"of another version": {func(c *incident.Call, _ *lambdaView) {
			c.Parameters = map[string]any{"functionName": "f", "qualifier": "2"}
		}, unknown},
		"of another function":                   {func(c *incident.Call, _ *lambdaView) { c.Parameters = map[string]any{"functionName": "g"} }, unknown},
		"it was refused":                        {func(c *incident.Call, _ *lambdaView) { c.ErrorCode = "AccessDenied" }, unknown},
		"it came after the failures began":      {func(c *incident.Call, _ *lambdaView) { c.At = onset.Add(10 * time.Minute) }, unknown},
		"Lambda says that the version is there": {func(_ *incident.Call, l *lambdaView) { l.found = true }, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			deletion, seen := call, l
			c.change(&deletion, &seen)
			v := &view{ev: &incident.Evidence{Calls: []incident.Call{deletion}}, onset: onset, lambdas: []lambdaView{seen}}
			if got := v.deleted(seen); got.state != c.want {
				t.Errorf("state %d, want %d", got.state, c.want)
			}
		})
	}
}

func TestOnlyWritesAreKnownByTheirMethods(t *testing.T) {
	for method, want := range map[string]bool{"POST": true, "delete": true, "GET": false, "OPTIONS": false, "-": false, "\ufffd\ufffd": false} {
		group := incident.LogGroup{Status: 503, Methods: incident.Tally{Top: []incident.Count{{Value: method, Count: 20}}}}
		if got := (&view{logs: logView{failing: []incident.LogGroup{group}}}).onlyWrites(); got != want {
			t.Errorf("%q: %v, want %v", method, got, want)
		}
	}
}

func TestWhichMemberOfAGroupWroteTheAnswer(t *testing.T) {
	origin := func(id, domain string) distribution.Origin {
		return distribution.Origin{ID: id, DomainName: domain, Kind: distribution.KindOf(domain)}
	}
	balancer, bucket, server := origin("a", "web-1234567890.eu-west-1.elb.amazonaws.com"), origin("b", "media.s3.eu-west-1.amazonaws.com"), origin("c", "standby.example.net")
	silent, loud := flow{asked: true}, flow{asked: true, data: true, after: 50, maxAfter: 50}
	own := probeView{failed: true, fromOther: true, server: "nginx"}
	for name, c := range map[string]struct {
		primary, secondary distribution.Origin
		probe              probeView
		targets            flow
		want               state
	}{
		"S3 first, a server second, and a server answered": {bucket, server, own, flow{}, present},
		"a server first, S3 second, and a server answered": {server, bucket, own, flow{}, absent},
		"two servers": {server, origin("d", "other.example.net"), own, flow{}, unknown},
		"a load balancer first, whose targets are silent":    {balancer, server, own, silent, present},
		"a load balancer first, whose targets write 5xx":     {balancer, server, own, loud, unknown},
		"a load balancer first, whose targets are not known": {balancer, server, own, flow{}, unknown},
		"a load balancer first, and it answered":             {balancer, server, probeView{failed: true, fromOther: true, server: "awselb/2.0", albPage: true}, silent, absent},
	} {
		t.Run(name, func(t *testing.T) {
			v := &view{ev: &incident.Evidence{}, onset: time.Date(2026, 3, 3, 20, 5, 0, 0, time.UTC), probe: c.probe,
				balancers: []balancerView{{name: "web", origins: []string{"a"}, target5xx: c.targets}}}
			if got := v.writerIs(c.primary, c.secondary); got.state != c.want {
				t.Errorf("state %d (%s), want %d", got.state, got.fact, c.want)
			}
		})
	}
}

func TestAFunctionWasMendedWhereItsLiveCodeIsNewerThanTheFailure(t *testing.T) {
	onset := time.Date(2026, 3, 3, 20, 5, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		modified time.Time
		message  string
		want     state
	}{
		"published since":                  {onset.Add(5 * time.Minute), "", present},
		"published before":                 {onset.Add(-5 * time.Minute), "", unknown},
		"published long before":            {onset.Add(-90 * time.Hour), "", unknown},
		"published since, and still wrong": {onset.Add(5 * time.Minute), "SyntaxError", absent},
	} {
		t.Run(name, func(t *testing.T) {
			v := &view{ev: &incident.Evidence{}, onset: onset, until: onset.Add(12 * time.Minute)}
			live := incident.EdgeFunction{Name: "f", ModifiedAt: c.modified, Tested: true, Error: c.message}
			if got := v.mended(functionView{name: "f", live: &live}); got.state != c.want {
				t.Errorf("state %d (%s), want %d", got.state, got.fact, c.want)
			}
		})
	}
}

func TestRowsCountFromTheOnsetIfTheirTimesAreKnown(t *testing.T) {
	onset := time.Date(2026, 3, 3, 20, 5, 0, 0, time.UTC)
	minute := func(after time.Duration, n int64) incident.MinuteCount {
		return incident.MinuteCount{At: onset.Add(after), Count: n}
	}
	for name, c := range map[string]struct {
		minutes []incident.MinuteCount
		want    float64
	}{
		"before and after":             {[]incident.MinuteCount{minute(-time.Minute, 40), minute(time.Minute, 60)}, 60},
		"all before":                   {[]incident.MinuteCount{minute(-time.Minute, 100)}, 0},
		"none has a time":              {nil, 100},
		"only a stray one has a time":  {[]incident.MinuteCount{minute(-17*365*24*time.Hour, 1)}, 100},
		"most have a time, some don't": {[]incident.MinuteCount{minute(time.Minute, 80)}, 80},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&view{onset: onset}).since(incident.LogGroup{Count: 100, Minutes: c.minutes}); got != c.want {
				t.Errorf("%.0f, want %.0f", got, c.want)
			}
		})
	}
}

func TestAFunctionOfAFewPathsIsBlamedWhereTheyFail(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:111122223333:function:f:3"
	runs := distribution.Behavior{PathPattern: "/admin/*", Lambda: []distribution.Association{{ARN: arn}}}
	other := distribution.Behavior{PathPattern: "*", Default: true}
	everywhere := distribution.Behavior{PathPattern: "*", Default: true, Lambda: runs.Lambda}
	for name, c := range map[string]struct {
		scope scope
		want  float64
	}{
		"logs show that they fail":          {scope{known: true, behaviors: []distribution.Behavior{runs}}, 1},
		"nothing tells which paths fail":    {scope{behaviors: []distribution.Behavior{other, runs}}, 0.4},
		"it runs for the default behaviour": {scope{behaviors: []distribution.Behavior{everywhere, runs}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&view{scope: c.scope}).reach(arn); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Every UpdateDistribution holds the whole configuration, so that an innocent one repeats what a guilty one brought.
func TestTheFirstUpdateThatHoldsTheFaultIsBlamed(t *testing.T) {
	onset := time.Date(2026, 3, 3, 20, 30, 0, 0, time.UTC)
	update := func(id string, minutes int, code string) incident.Call {
		item := map[string]any{"errorCode": 404.0, "responseCode": code}
		return incident.Call{ID: id, Name: "UpdateDistribution", Source: "cloudfront.amazonaws.com", Region: "us-east-1", At: onset.Add(time.Duration(minutes) * time.Minute),
			Parameters: map[string]any{"id": "E2EXAMPLE", "distributionConfig": map[string]any{
				"defaultCacheBehavior": map[string]any{}, "customErrorResponses": map[string]any{"items": []any{item}}}}}
	}
	refused := update("refused", -3, "404")
	refused.ErrorCode = "InvalidArgument"
	for name, c := range map[string]struct {
		calls []incident.Call
		want  string
	}{
		"it alone":                              {[]incident.Call{update("a", -4, "503")}, "a"},
		"an innocent one after it":              {[]incident.Call{update("a", -5, "503"), update("b", -2, "503")}, "a"},
		"an innocent one before it":             {[]incident.Call{update("a", -9, "404"), update("b", -4, "503")}, "b"},
		"mended and broken again":               {[]incident.Call{update("a", -9, "503"), update("b", -7, "404"), update("c", -4, "503")}, "c"},
		"mending was refused":                   {[]incident.Call{update("a", -5, "503"), refused, update("b", -2, "503")}, "a"},
		"one that has been there for too long":  {[]incident.Call{update("a", -50, "503"), update("b", -2, "503")}, "b"},
		"only one that has been there for long": {[]incident.Call{update("a", -50, "503")}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			v := look(&incident.Evidence{Distribution: "E2EXAMPLE", AlarmAt: onset.Add(4 * time.Minute), CollectedAt: onset.Add(9 * time.Minute), Calls: c.calls})
			v.onset = onset
			if got := v.blame(incident.ErrorPage503); got == nil || got.ID != c.want {
				t.Errorf("blames %v, want %s", got, c.want)
			}
		})
	}
}

func TestAGroupHidesWhatItsPrimaryAnswers(t *testing.T) {
	with503 := distribution.OriginGroup{ID: "g", Members: []string{"a", "b"}, StatusCodes: []int{500, 503}}
	without := distribution.OriginGroup{ID: "g", Members: []string{"a", "b"}, StatusCodes: []int{500, 502}}
	grouped, single := distribution.Behavior{TargetOriginID: "g", Default: true}, distribution.Behavior{PathPattern: "/x/*", TargetOriginID: "c"}
	rows := func(method string) logView {
		group := incident.LogGroup{Status: 503, Count: 20, Methods: incident.Tally{Top: []incident.Count{{Value: method, Count: 20}}}}
		return logView{read: true, rows: 20, failing: []incident.LogGroup{group}}
	}
	for name, c := range map[string]struct {
		group     distribution.OriginGroup
		behaviors []distribution.Behavior
		logs      logView
		share     float64
		want      state
		strength  float64
	}{
		"reads fail":                        {with503, []distribution.Behavior{grouped}, rows("GET"), 0, present, 1},
		"writes fail":                       {with503, []distribution.Behavior{grouped}, rows("POST"), 0, absent, 1},
		"nothing tells":                     {with503, []distribution.Behavior{grouped}, logView{}, 20, present, 0.6},
		"most of all requests fail":         {with503, []distribution.Behavior{grouped}, logView{}, 80, present, 1},
		"503 is not in the list":            {without, []distribution.Behavior{grouped}, rows("GET"), 0, absent, 1},
		"other behaviours may fail as well": {with503, []distribution.Behavior{grouped, single}, rows("GET"), 0, present, 0.7},
	} {
		t.Run(name, func(t *testing.T) {
			v := &view{logs: c.logs, share: c.share, scope: scope{behaviors: c.behaviors, groups: []distribution.OriginGroup{c.group}}}
			if got := failsOver(v); got.state != c.want || got.strength != c.strength {
				t.Errorf("state %d, strength %v (%s), want %d and %v", got.state, got.strength, got.fact, c.want, c.strength)
			}
		})
	}
}
