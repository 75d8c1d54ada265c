// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"

	"cloudfront503/pkg/incident"
)

const cover = `{"format":1,"distributionId":"E2EXAMPLE12345","accountId":"111122223333","alarmAt":"2026-03-03T21:31:31.606Z",
 "collectedAt":"2026-03-03T21:41:32Z","alarmMetric":"503ErrorRate","somethingNew":{"a":[1]}}`

const state = `{"ETag":"E1","Distribution":{"Id":"E2EXAMPLE12345","DomainName":"d111111abcdef8.cloudfront.net","Status":"Deployed",
 "LastModifiedTime":"2026-01-13T11:47:00.000000+00:00","DistributionConfig":{"CallerReference":"x","Origins":{"Quantity":0},"DefaultCacheBehavior":{"TargetOriginId":"o"}}}}`

// with is the least record with more files.
func with(more Files) Files {
	files := Files{"incident.json": []byte(cover), "distribution.json": []byte(state)}
	maps.Copy(files, more)
	return files
}

func read(t *testing.T, more Files) incident.Evidence {
	t.Helper()
	ev, err := Read(with(more))
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestWhatIsRequiredMustBeThere(t *testing.T) {
	for name, files := range map[string]Files{
		"no incident.json":           {"distribution.json": []byte(state)},
		"no distribution.json":       {"incident.json": []byte(cover)},
		"an incident without a time": {"incident.json": []byte(`{"distributionId":"E2EXAMPLE12345"}`), "distribution.json": []byte(state)},
		"an empty incident.json":     {"incident.json": nil, "distribution.json": []byte(state)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(files); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line", err)
			}
		})
	}
}

func TestAbsentIsUnreadAndDamagedIsAGap(t *testing.T) {
	ev := read(t, nil)
	if diff := cmp.Diff([]string{"distribution"}, ev.Read); diff != "" || len(ev.Gaps) != 0 {
		t.Errorf("read %v, gaps %v", ev.Read, ev.Gaps)
	}
	ev = read(t, Files{"distribution.json": []byte(`{"ETag":"E1","Distribution":{"Id":"E2`), "probe.http": []byte("\r\n"), "health/x.json": []byte("{")})
	var sources []string
	for _, g := range ev.Gaps {
		sources = append(sources, g.Source)
	}
	slices.Sort(sources)
	if diff := cmp.Diff([]string{"distribution", "health/x", "probe"}, sources); diff != "" {
		t.Error(diff)
	}
	if ev.Probe != nil || slices.Contains(ev.Read, "probe") {
		t.Error("an empty probe was taken for an answer")
	}
}

const metricsFile = `{"MetricDataQueries":[
 {"Id":"a","MetricStat":{"Metric":{"Namespace":"AWS/CloudFront","MetricName":"Requests","Dimensions":[{"Name":"DistributionId","Value":"E2EXAMPLE12345"}]},"Period":60,"Stat":"Sum"}},
 {"Id":"b","MetricStat":{"Metric":{"Namespace":"AWS/ApplicationELB","MetricName":"HTTPCode_ELB_503_Count","Dimensions":[]},"Period":60,"Stat":"Sum"}},
 {"Id":"c","Expression":"a*2"}],
 "MetricDataResults":[{"Id":"b","StatusCode":"Complete","Timestamps":[],"Values":[]},
 {"Id":"a","StatusCode":"PartialData","Timestamps":["2026-03-03T21:32:00+00:00","2026-03-03T21:31:00Z"],"Values":[5,"7"]}]}`

func TestMetricsJoinQuestionAndAnswer(t *testing.T) {
	ev := read(t, Files{"metrics/us-east-1.json": []byte(metricsFile)})
	if len(ev.Series) != 2 || len(ev.Gaps) != 1 {
		t.Fatalf("%d series, gaps %v", len(ev.Series), ev.Gaps)
	}
	at := time.Date(2026, 3, 3, 21, 31, 0, 0, time.UTC)
	want := []incident.Point{{At: at, Value: 7}, {At: at.Add(time.Minute), Value: 5}}
	if diff := cmp.Diff(want, ev.Series[0].Points); diff != "" {
		t.Error(diff)
	}
	if len(ev.Series[1].Points) != 0 {
		t.Error("a question without data has points")
	}
}

func TestATruncatedMetricsFileKeepsWhatIsWholeAndForgetsTheRest(t *testing.T) {
	cut := metricsFile[:strings.Index(metricsFile, `"Id":"a","StatusCode"`)]
	ev := read(t, Files{"metrics/us-east-1.json": []byte(cut)})
	if len(ev.Series) != 1 || ev.Series[0].Name != "HTTPCode_ELB_503_Count" {
		t.Errorf("series %+v: a question whose answer was cut off must not read as no data", ev.Series)
	}
	if len(ev.Gaps) != 1 || !strings.Contains(ev.Gaps[0].Why, "cut off") {
		t.Errorf("gaps %v", ev.Gaps)
	}
}

func TestTrailReadsTheRecordInsideTheEvent(t *testing.T) {
	inner := `{"eventName":"DeleteFunction20150331","eventSource":"lambda.amazonaws.com","awsRegion":"us-east-1","eventTime":"2026-03-03T21:20:00Z","requestParameters":{"functionName":"f"},"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/A/ann"}}`
	quoted, _ := json.Marshal(inner)
	file := `{"Events":[{"EventId":"1","EventName":"DeleteFunction20150331","EventTime":1772572800.0,"CloudTrailEvent":` + string(quoted) + `},
	 {"EventId":"2","EventName":"UpdateDistribution2014_01_31","EventSource":"cloudfront.amazonaws.com","EventTime":"2026-03-03T21:10:00+00:00","CloudTrailEvent":"{broken"},
	 {"EventId":"3","EventNa`
	ev := read(t, Files{"cloudtrail/us-east-1.json": []byte(file)})
	if len(ev.Calls) != 2 {
		t.Fatalf("%d calls", len(ev.Calls))
	}
	if c := ev.Calls[1]; c.Name != "DeleteFunction" || c.By != "arn:aws:sts::111122223333:assumed-role/A/ann" || c.Parameters["functionName"] != "f" {
		t.Errorf("call %+v", c)
	}
	if c := ev.Calls[0]; c.Name != "UpdateDistribution" || c.ID != "2" {
		t.Errorf("call %+v", c)
	}
}

func health(status, updated, backup string) string {
	return `{"source":"aws.health","detail":{"eventArn":"arn:x","service":"CLOUDFRONT","eventTypeCode":"AWS_CLOUDFRONT_OPERATIONAL_ISSUE","eventTypeCategory":"issue",
	 "startTime":"Sun, 10 May 2026 23:18:00 GMT","lastUpdatedTime":"` + updated + `","statusCode":"` + status + `","backupEvent":"` + backup + `","eventDescription":[{"language":"en_US","latestDescription":"x"}]}}`
}

func TestOfAHealthEventTheLatestUpdateCountsAndNoBackup(t *testing.T) {
	ev := read(t, Files{
		"health/a.json": []byte(health("open", "Sun, 10 May 2026 23:30:00 GMT", "false")),
		"health/b.json": []byte(health("closed", "Mon, 11 May 2026 01:00:00 GMT", "false")),
		"health/c.json": []byte(health("open", "Mon, 11 May 2026 02:00:00 GMT", "true")),
	})
	if len(ev.Health) != 1 || ev.Health[0].Status != "closed" {
		t.Errorf("health %+v", ev.Health)
	}
}

func TestProbeIsReadInEveryShape(t *testing.T) {
	for name, text := range map[string]string{
		"HTTP/2 with CRLF":        "HTTP/2 503 \r\nServer: nginx\r\nX-Cache: Error from cloudfront\r\n\r\nbusy",
		"HTTP/1.1 with LF":        "HTTP/1.1 503 Service Unavailable\nserver: nginx\nx-cache: Error from cloudfront\n\nbusy",
		"after a 100 Continue":    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 X\r\nserver: nginx\r\nx-cache: Error from cloudfront\r\n\r\nbusy",
		"after a proxy's CONNECT": "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 503\r\nserver: nginx\r\nx-cache: Error from cloudfront\r\n\r\nbusy",
	} {
		t.Run(name, func(t *testing.T) {
			want := &incident.Probe{Status: 503, Headers: map[string]string{"server": "nginx", "x-cache": "Error from cloudfront"}, Body: "busy"}
			if diff := cmp.Diff(want, read(t, Files{"probe.http": []byte(text)}).Probe); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextMayHaveGoneThroughOtherTools(t *testing.T) {
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, _ = writer.Write([]byte(metricsFile))
	_ = writer.Close()
	for name, content := range map[string][]byte{
		"UTF-16 with a byte order mark": widen(metricsFile),
		"UTF-8 with a byte order mark":  append([]byte("\xef\xbb\xbf"), metricsFile...),
		"base64":                        []byte(base64.StdEncoding.EncodeToString([]byte(metricsFile))),
		"gzip":                          zipped.Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			if ev := read(t, Files{"metrics/us-east-1.json": content}); len(ev.Series) != 2 {
				t.Errorf("%d series, gaps %v", len(ev.Series), ev.Gaps)
			}
		})
	}
}

func widen(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, b := range []byte(text) {
		out = append(out, b, 0)
	}
	return out
}

func TestTrustPoliciesInEveryShape(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		want     incident.RoleRead
	}{
		"both services":        {`{"Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`, incident.RoleRead{TrustsEdge: true, TrustsLambda: true, Readable: true}},
		"one statement alone":  {`{"Statement":{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":["sts:AssumeRole"]}}`, incident.RoleRead{TrustsEdge: true, Readable: true}},
		"Lambda only":          {`{"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`, incident.RoleRead{TrustsLambda: true, Readable: true}},
		"denied after allowed": {`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*"},{"Effect":"Deny","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`, incident.RoleRead{TrustsLambda: true, Readable: true}},
		"URL-encoded":          {`"%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22edgelambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"`, incident.RoleRead{TrustsEdge: true, Readable: true}},
		"rubbish":              {`17`, incident.RoleRead{}},
	} {
		t.Run(name, func(t *testing.T) {
			file := `{"Functions":[],"Roles":{"arn:r":{"Role":{"AssumeRolePolicyDocument":` + c.document + `}},"arn:gone":null}}`
			region := read(t, Files{"lambda/us-east-1.json": []byte(file)}).Lambda[0]
			if diff := cmp.Diff(&c.want, region.Roles["arn:r"]); diff != "" {
				t.Error(diff)
			}
			if role, there := region.Roles["arn:gone"]; !there || role != nil {
				t.Error("a role that does not exist must be nil")
			}
		})
	}
}

func TestRulesFallBackToTheListenersDefault(t *testing.T) {
	file := `{"LoadBalancers":[{"LoadBalancerArn":"arn:lb/app/web/1","DNSName":"web-1.eu-west-1.elb.amazonaws.com","LoadBalancerName":"web","Type":"application"}],
	 "Listeners":[{"ListenerArn":"arn:listener/app/web/1/2","LoadBalancerArn":"arn:lb/app/web/1","DefaultActions":[{"Type":"authenticate-oidc","Order":1},{"Type":"fixed-response","Order":2,"FixedResponseConfig":{"StatusCode":"503"}}]}],
	 "TargetGroups":[{"TargetGroupArn":"arn:tg","LoadBalancerArns":["arn:lb/app/web/1"]}],"TargetHealth":{"arn:tg":{"TargetHealthDescriptions":[]}}}`
	lb := read(t, Files{"elbv2/eu-west-1.json": []byte(file)}).LoadBalancers[0]
	want := []incident.Rule{{ARN: "arn:listener/app/web/1/2", ListenerARN: "arn:listener/app/web/1/2", Default: true, Action: "fixed-response", FixedStatus: 503}}
	if diff := cmp.Diff(want, lb.Rules); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]incident.TargetGroup{{ARN: "arn:tg", Read: true}}, lb.TargetGroups); diff != "" {
		t.Error(diff)
	}
}

func TestLogsOfOtherDistributionsAreLeftOut(t *testing.T) {
	rows := []byte("#Fields: sc-status x-edge-result-type\n503\tError\n")
	ev := read(t, Files{"access-logs/E2EXAMPLE12345.2026-03-03-21.aaaa.gz": rows, "access-logs/E9OTHEROTHER99.2026-03-03-21.bbbb.gz": rows})
	if ev.Logs.Rows != 1 || len(ev.Gaps) != 1 {
		t.Errorf("%d rows, gaps %v", ev.Logs.Rows, ev.Gaps)
	}
}

func TestWriteGivesTheCoverLast(t *testing.T) {
	var names []string
	err := Write(with(Files{"probe.http": []byte("x")}), func(name string, _ []byte) error { names = append(names, name); return nil })
	if diff := cmp.Diff([]string{"distribution.json", "probe.http", "incident.json"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	broken := errors.New("denied")
	if err := Write(with(nil), func(string, []byte) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := Write(Files{"../x": nil, "incident.json": nil}, func(string, []byte) error { return nil }); err == nil {
		t.Error("a path that leaves the folder was written")
	}
}

func TestFilesAreAFileSystem(t *testing.T) {
	if err := fstest.TestFS(with(Files{"metrics/us-east-1.json": []byte("{}")}), "incident.json", "metrics/us-east-1.json"); err != nil {
		t.Error(err)
	}
}

func TestEvidenceSurvivesJSON(t *testing.T) {
	ev := read(t, Files{"metrics/us-east-1.json": []byte(metricsFile), "probe.http": []byte("HTTP/2 503\n\nx"), "health/a.json": []byte(health("open", "Sun, 10 May 2026 23:30:00 GMT", "false"))})
	text, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	var again incident.Evidence
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	ev.Live.Config, again.Live.Config = nil, nil // the same, but for white space
	if diff := cmp.Diff(ev, again, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// fuzzed are the files whose content FuzzRead replaces.
var fuzzed = []string{"incident.json", "distribution.json", "event.json", "baseline.json", "metrics/us-east-1.json", "cloudtrail/us-east-1.json", "service-quotas/us-east-1.json",
	"health/a.json", "access-logs/x.gz", "elbv2/eu-west-1.json", "elb/eu-west-1.json", "lambda/us-east-1.json", "cloudfront/functions.json", "cloudfront/staging.json", "wafv2/logs.jsonl", "probe.http", "wafv2/eu-west-1.json"}

func FuzzRead(f *testing.F) {
	f.Add(uint8(4), []byte(metricsFile))
	f.Add(uint8(0), []byte(cover))
	f.Add(uint8(1), []byte(state))
	f.Add(uint8(7), []byte(health("open", "x", "true")))
	f.Add(uint8(9), []byte(`{"LoadBalancers":[{"LoadBalancerArn":"a"}],"Rules":[{"RuleArn":"","Actions":[{}]}]}`))
	f.Add(uint8(13), []byte(`{"ContinuousDeploymentPolicy":{"Id":"p"},"StagingDistribution":[]}`))
	f.Add(uint8(14), []byte("{\"action\":\"BLOCK\",\"responseCodeSent\":503,\"timestamp\":1e99}\n"))
	f.Add(uint8(15), []byte("HTTP/1.1 100 \n\nHTTP/2 503\n\n"))
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		ev, err := Read(with(Files{fuzzed[int(which)%len(fuzzed)]: content}))
		if err != nil {
			return
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Errorf("evidence that JSON cannot hold: %v", err)
		}
	})
}

func TestTriesThatDifferAreAFinding(t *testing.T) {
	t.Parallel()
	try := func(status, pop string) []byte {
		return []byte("HTTP/2 " + status + "\nx-cf503-url: https://www.example.com/\nx-cf503-at: 2026-03-03T21:33:28Z\nserver: CloudFront\nx-amz-cf-pop: " + pop + "\n\npage")
	}
	for name, c := range map[string]struct {
		tries []string // status and edge
		want  string
	}{
		"one try differs from nothing":      {[]string{"503 FRA1"}, ""},
		"the same answers are no finding":   {[]string{"503 FRA1", "503 FRA1"}, ""},
		"a status that comes and goes is":   {[]string{"503 FRA1", "200 FRA1"}, "2 tries of https://www.example.com/ differ: status 503, 200"},
		"so is an edge that is not another": {[]string{"503 FRA1", "503 FRA2"}, "2 tries of https://www.example.com/ differ: x-amz-cf-pop FRA1, FRA2"},
	} {
		t.Run(name, func(t *testing.T) {
			files := Files{
				"incident.json":     []byte(`{"format":1,"distributionId":"E1","alarmAt":"2026-03-03T21:31:31Z","findings":[{"source":"x","fact":"kept\u001b[2J"}]}`),
				"distribution.json": []byte(`{"Distribution":{"DistributionConfig":{}}}`),
			}
			for i, one := range c.tries {
				status, pop, _ := strings.Cut(one, " ")
				files[fmt.Sprintf("probes/1-%d.http", i+1)] = try(status, pop)
			}
			ev, err := Read(files)
			if err != nil {
				t.Fatal(err)
			}
			var facts []string
			for _, f := range ev.Findings[1:] {
				facts = append(facts, f.Fact)
			}
			if strings.Join(facts, "; ") != c.want || strings.Contains(ev.Findings[0].Fact, "\x1b") {
				t.Errorf("findings %q, want %q", ev.Findings, c.want)
			}
			if ev.Probes[0].URL != "https://www.example.com/" || ev.Probes[0].At.IsZero() {
				t.Errorf("try %+v", ev.Probes[0])
			}
		})
	}
}

// FuzzProbe: an answer of any content is a status with headers, or an error.
func FuzzProbe(f *testing.F) {
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 x\r\nx-cf503-at: tomorrow\r\n\r\nbody"))
	f.Add([]byte("HTTP/2 503\nserver: CloudFront"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := parseProbe(content)
		if err == nil && (p.Status < 0 || p.Status > 999 || len(p.Body) > mostBody || p.Headers["set-cookie"] != "") {
			t.Errorf("%+v", p)
		}
		differences([]incident.Probe{p, {URL: p.URL}})
	})
}
