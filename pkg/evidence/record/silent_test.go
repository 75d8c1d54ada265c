// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cloudfront503/pkg/incident"
)

// What cannot be understood must not read as nothing, which is a finding of its own.

func TestAResultThatIsNotUnderstoodIsNotZero(t *testing.T) {
	const good = `{"Id":"b","StatusCode":"Complete","Timestamps":[],"Values":[]}`
	for name, bad := range map[string]string{
		"its values are an object":      `{"Id":"b","StatusCode":"Complete","Timestamps":["2026-03-03T21:32:00Z"],"Values":{"a":1}}`,
		"its values are words":          `{"Id":"b","StatusCode":"Complete","Timestamps":["2026-03-03T21:32:00Z"],"Values":["many"]}`,
		"its times are none":            `{"Id":"b","StatusCode":"Complete","Timestamps":["yesterday"],"Values":[3]}`,
		"it has values without times":   `{"Id":"b","StatusCode":"Complete","Timestamps":[],"Values":[3]}`,
		"CloudWatch failed":             `{"Id":"b","StatusCode":"InternalError","Timestamps":[],"Values":[]}`,
		"CloudWatch refused the metric": `{"Id":"b","StatusCode":"Forbidden","Timestamps":[],"Values":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			ev := read(t, Files{"metrics/us-east-1.json": []byte(strings.Replace(metricsFile, good, bad, 1))})
			if len(ev.Series) != 1 || ev.Series[0].Name != "Requests" {
				t.Errorf("series %+v, want the other one only", ev.Series)
			}
			if len(ev.Gaps) != 2 {
				t.Errorf("gaps %v, want one for the result and one for partial data", ev.Gaps)
			}
		})
	}
}

func TestNoListOfTargetsIsNotAnEmptyOne(t *testing.T) {
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/t/1"
	const file = `{"LoadBalancers":[{"LoadBalancerArn":"lb","LoadBalancerName":"web","Type":"application"}],
	 "TargetGroups":[{"TargetGroupArn":"` + arn + `","LoadBalancerArns":["lb"]}],"TargetHealth":{"` + arn + `":HEALTH}}`
	for health, want := range map[string]bool{
		`{"TargetHealthDescriptions":[]}`:   true,
		`{"TargetHealthDescriptions":null}`: false,
		`{}`:                                false,
		`null`:                              false,
	} {
		ev := read(t, Files{"elbv2/eu-west-1.json": []byte(strings.Replace(file, "HEALTH", health, 1))})
		if len(ev.LoadBalancers) != 1 || len(ev.LoadBalancers[0].TargetGroups) != 1 || ev.LoadBalancers[0].TargetGroups[0].Read != want {
			t.Errorf("%s: %+v, want read %v", health, ev.LoadBalancers, want)
		}
	}
}

func TestNoListOfInstanceStatesIsNotAnEmptyOne(t *testing.T) {
	const file = `{"LoadBalancerDescriptions":[{"LoadBalancerName":"web","Instances":[{"InstanceId":"i-1"}]}],"InstanceStates":STATES}`
	for states, want := range map[string]bool{`{"web":[]}`: true, `{"web":null}`: false, `{}`: false} {
		ev := read(t, Files{"elb/eu-west-1.json": []byte(strings.Replace(file, "STATES", states, 1))})
		if len(ev.LoadBalancers) != 1 || ev.LoadBalancers[0].StatesRead != want {
			t.Errorf("%s: %+v, want read %v", states, ev.LoadBalancers, want)
		}
	}
}

func TestAnAnswerThatEndsTooEarlyIsCut(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"whole":                                {"HTTP/2 503 \r\nserver: a\r\ncontent-length: 5\r\n\r\nhello", false},
		"no length is promised":                {"HTTP/2 503\nserver: a\n\nhel", false},
		"its line ends were changed":           {"HTTP/1.1 503 X\ncontent-length: 8\n\na\nb\nc\n", false},
		"compressed on its way":                {"HTTP/2 503\ncontent-length: 500\ncontent-encoding: gzip\n\nhello", false},
		"an early hint came before":            {"HTTP/2 103\nlink: a\n\nHTTP/2 503\ncontent-length: 5\n\nhello", false},
		"the body ends too early":              {"HTTP/2 503\r\ncontent-length: 5\r\n\r\nhel", true},
		"there is none at all":                 {"HTTP/2 503\r\ncontent-length: 5\r\n\r\n", true},
		"the headers end too early":            {"HTTP/2 503\r\nserver: Clo", true},
		"after a hint, the body ends early":    {"HTTP/2 103\nlink: a\n\nHTTP/2 503\ncontent-length: 5\n\nhe", true},
		"after a hint, the headers end early":  {"HTTP/2 103\nlink: a\n\nHTTP/2 503\ncontent-le", true},
		"a length of nothing and nothing sent": {"HTTP/2 503\r\ncontent-length: 0\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			ev := read(t, Files{"probe.http": []byte(c.text)})
			if ev.Probe == nil || ev.Probe.Status != 503 || ev.Probe.Cut != c.want {
				t.Errorf("%+v, want cut %v", ev.Probe, c.want)
			}
		})
	}
}

// A device or a pipe under a file's name would be read for ever.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	files := fstest.MapFS{}
	for name, content := range with(nil) {
		files[name] = &fstest.MapFile{Data: content}
	}
	files["probe.http"] = &fstest.MapFile{Data: []byte("HTTP/2 503\n\nx"), Mode: fs.ModeDevice}
	files["event.json"] = &fstest.MapFile{Data: []byte("{}"), Mode: fs.ModeNamedPipe}
	files["access-logs/a.gz"] = &fstest.MapFile{Data: []byte("#Fields: sc-status\n503\n"), Mode: fs.ModeDevice | fs.ModeCharDevice}
	files["metrics/us-east-1.json/inner"] = &fstest.MapFile{}
	ev, err := Read(files)
	if err != nil {
		t.Fatal(err)
	}
	if ev.Probe != nil || ev.Trigger != nil || ev.Logs == nil || ev.Logs.Rows != 0 {
		t.Errorf("probe %v, trigger %s, logs %+v: something was read", ev.Probe, ev.Trigger, ev.Logs)
	}
	if len(ev.Gaps) != 3 || slices.Contains(ev.Read, "probe") {
		t.Errorf("gaps %v, read %v", ev.Gaps, ev.Read)
	}
}

// What is too large is read as far as the bound allows, and the rest is a gap.
func TestOfALargeFileTheBeginningIsRead(t *testing.T) {
	line := `{"timestamp":1772573520000,"action":"BLOCK","httpSourceName":"CF","httpSourceId":"E2EXAMPLE12345","responseCodeSent":503,"pad":"` + strings.Repeat("x", 1<<16) + "\"}\n"
	ev := read(t, Files{"wafv2/logs.jsonl": []byte(strings.Repeat(line, mostBytes/len(line)+2))})
	if ev.WAF == nil || ev.WAF.Records < int64(mostBytes/len(line))-1 || len(ev.WAF.Groups) != 1 {
		t.Errorf("%+v: the beginning was not read", ev.WAF)
	}
	if !slices.ContainsFunc(ev.Gaps, func(g incident.Gap) bool { return strings.Contains(g.Why, "larger than 64 MiB") }) {
		t.Errorf("gaps %v", ev.Gaps)
	}
}

func TestATrustPolicyOfIllegibleNamesTellsNothing(t *testing.T) {
	for service, want := range map[string]bool{
		`"lambda.amazonaws.com"`:                                      true,
		`["lambda.amazonaws.com","states.eu-west-1.amazonaws.com"]`:   true,
		`["lambda.amazonaws.com","\u001b[31medge\u0000lambda\ufffd"]`: false,
	} {
		role := trust([]byte(`{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":` + service + `}}]}`))
		if role.Readable != want || role.TrustsEdge {
			t.Errorf("%s: %+v, want readable %v", service, role, want)
		}
	}
}

func TestAnIDOfTwoQuestionsAnswersNeither(t *testing.T) {
	file := strings.Replace(metricsFile, `{"Id":"c","Expression":"a*2"}`, `{"Id":"a","MetricStat":{"Metric":{"Namespace":"AWS/CloudFront","MetricName":"502ErrorRate"},"Period":60,"Stat":"Average"}}`, 1)
	ev := read(t, Files{"metrics/us-east-1.json": []byte(file)})
	if len(ev.Series) != 1 || ev.Series[0].Name != "HTTPCode_ELB_503_Count" {
		t.Errorf("series %+v", ev.Series)
	}
}
