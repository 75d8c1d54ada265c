// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// delivered are the deliveries of two distributions.
const delivered = `{
	"deliverySources": [{"name":"cdn","resourceArns":["arn:aws:cloudfront::111122223333:distribution/` + id + `"]},
		{"name":"other","resourceArns":["arn:aws:cloudfront::111122223333:distribution/E2OTHER"]}],
	"deliveries": [
		{"deliverySourceName":"cdn","deliveryDestinationArn":"d:s3","deliveryDestinationType":"S3","s3DeliveryConfiguration":{"suffixPath":"{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"}},
		{"deliverySourceName":"cdn","deliveryDestinationArn":"d:cwl","deliveryDestinationType":"CWL"},
		{"deliverySourceName":"cdn","deliveryDestinationArn":"d:fh","deliveryDestinationType":"FH"},
		{"deliverySourceName":"other","deliveryDestinationArn":"d:s3","deliveryDestinationType":"S3"}],
	"deliveryDestinations": [
		{"arn":"d:s3","outputFormat":"json","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:s3:::cdn-logs/web"}},
		{"arn":"d:cwl","outputFormat":"json","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/cdn"}},
		{"arn":"d:fh","outputFormat":"json","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:firehose:us-east-1:111122223333:deliverystream/cdn"}}]}`

// rows of two requests in each of the forms that CloudFront delivers.
const (
	fields = "date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status x-edge-result-type x-edge-request-id"
	plain  = "2026-11-24 03:41:51 SYD62-P1 192.0.2.7 GET d111.cloudfront.net /a 503 Error id1==\n2026-11-24 03:41:52 SYD62-P1 192.0.2.8 GET d111.cloudfront.net /b 200 Hit id2==\n"
	row503 = `{"date":"2026-11-24","time":"03:41:51","cs(Host)":"d111.cloudfront.net","cs-uri-stem":"/a","sc-status":"503","x-edge-result-type":"Error"}`
	row200 = `{"date":"2026-11-24","time":"03:41:52","cs(Host)":"d111.cloudfront.net","cs-uri-stem":"/b","sc-status":"200","x-edge-result-type":"Hit"}`
	rowOf2 = `{"date":"2026-11-24","time":"03:41:52","cs(Host)":"d222.cloudfront.net","cs-uri-stem":"/c","sc-status":"503","x-edge-result-type":"Error"}`
)

// delivery makes a delivery of standard logs v2 with its source and destination.
func deliver(t *testing.T, a *emulator.Account, kind, format, target, suffix string, hive bool) {
	t.Helper()
	for what, document := range map[string]any{
		logs.Sources:    map[string]any{"name": "cdn", "resourceArns": []string{"arn:aws:cloudfront::111122223333:distribution/" + id}},
		logs.Deliveries: map[string]any{"id": "1", "deliverySourceName": "cdn", "deliveryDestinationArn": "d:1", "deliveryDestinationType": kind, "recordFields": strings.Fields(fields), "s3DeliveryConfiguration": map[string]any{"suffixPath": suffix, "enableHiveCompatiblePath": hive}},
		logs.Destinations: map[string]any{"name": "to", "arn": "d:1", "outputFormat": format, "deliveryDestinationType": kind,
			"deliveryDestinationConfiguration": map[string]any{"destinationResourceArn": target}},
	} {
		if err := a.Logs.PutDelivery("us-east-1", what, encode(document)); err != nil {
			t.Fatal(err)
		}
	}
}

// stored puts a log object of the current hour under a folder of a bucket.
func stored(t *testing.T, a *emulator.Account, bucket, region, folder, content string) {
	t.Helper()
	a.S3.AddBucket(s3.Bucket{Name: bucket, Region: region})
	now := a.World.Clock.Now().UTC()
	folder = at(folder, now)
	if _, err := a.S3.Put(bucket, folder+id+"."+now.Format("2006-01-02-15")+".0a1b2c3d.gz", zipped(content)); err != nil {
		t.Fatal(err)
	}
}

func TestStandardLogsAreReadWhereverTheyAreDelivered(t *testing.T) {
	t.Parallel()
	const group = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/cdn"
	for _, tt := range []struct {
		name, kind, format, target, suffix string
		hive                               bool
		prepare                            func(*testing.T, *emulator.Account)
		rows                               int64
		gap                                string
	}{
		{"w3c under a prefix of the bucket's own", "S3", "w3c", "arn:aws:s3:::cdn-logs/web", "", false, func(t *testing.T, a *emulator.Account) {
			stored(t, a, "cdn-logs", "us-east-1", "web/", "#Fields: "+fields+"\n"+strings.ReplaceAll(plain, " ", "\t"))
		}, 2, ""},
		{"JSON without a prefix, by distribution and hour, in another Region", "S3", "json", "arn:aws:s3:::cdn-logs", "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}", false, func(t *testing.T, a *emulator.Account) {
			stored(t, a, "cdn-logs", "eu-south-1", "AWSLogs/111122223333/CloudFront/"+id+"/{yyyy}/{MM}/{dd}/{HH}/", row503+"\n"+row200+"\n")
		}, 2, ""},
		{"Hive-compatible folders", "S3", "json", "arn:aws:s3:::cdn-logs/web", "{distributionid}/{yyyy}/{MM}/{dd}/{HH}", true, func(t *testing.T, a *emulator.Account) {
			stored(t, a, "cdn-logs", "us-east-1", "web/distributionid="+id+"/year={yyyy}/month={MM}/day={dd}/hour={HH}/", row503+"\n")
		}, 1, ""},
		{"plain rows, which lack a header", "S3", "plain", "arn:aws:s3:::cdn-logs/web", "", false, func(t *testing.T, a *emulator.Account) {
			stored(t, a, "cdn-logs", "us-east-1", "web/", plain)
		}, 2, ""},
		{"a log group, of which another distribution's rows are left out", "CWL", "json", group, "", false, func(_ *testing.T, a *emulator.Account) {
			now := a.World.Clock.Now()
			a.Logs.Put("us-east-1", "/aws/vendedlogs/cdn", logs.Event{At: now, Message: row503}, logs.Event{At: now, Message: row200}, logs.Event{At: now, Message: rowOf2},
				logs.Event{At: now.Add(-2 * time.Hour), Message: row503})
		}, 2, ""},
		{"parquet is a gap", "S3", "parquet", "arn:aws:s3:::cdn-logs", "", false, nil, 0, "parquet"},
		{"a stream is a gap", "FH", "json", "arn:aws:firehose:us-east-1:111122223333:deliverystream/cdn", "", false, nil, 0, "stream"},
		{"another account's destination is a gap", "S3", "json", "", "", false, nil, 0, "another account"},
		{"nothing delivered yet is a gap", "S3", "json", "arn:aws:s3:::cdn-logs", "", false, func(t *testing.T, a *emulator.Account) {
			a.S3.AddBucket(s3.Bucket{Name: "cdn-logs"})
		}, 0, "no object for the window yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			deliver(t, a, tt.kind, tt.format, tt.target, tt.suffix, tt.hive)
			if tt.prepare != nil {
				tt.prepare(t, a)
			}
			q := question(a)
			q.Snapshot.DomainName = "d111.cloudfront.net"
			files, gaps := gatherer(a, probes{status: 200}).Gather(t.Context(), q)
			rows := int64(0)
			if ev, err := record.Read(record.Files(files)); err != nil {
				t.Error(err)
			} else if ev.Logs != nil {
				rows = ev.Logs.Rows
			}
			told := slices.ContainsFunc(gaps, func(g incident.Gap) bool {
				return strings.HasPrefix(g.Source, "access-logs ") && strings.Contains(g.Why, tt.gap)
			})
			if rows != tt.rows || told != (tt.gap != "") {
				t.Errorf("%d rows, want %d; gaps %+v", rows, tt.rows, gaps)
			}
		})
	}
}

func TestWhatTheBudgetCutsOffIsAGap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		budget Budget
		source string
		want   string
	}{
		{"objects of logs", Budget{LogObjects: 2}, "access-logs s3 cdn-logs/web", "3 of 5 objects are left out, the oldest: this incident's budget of 2 log objects is used up"},
		{"bytes of logs", Budget{LogBytes: 10}, "access-logs s3 cdn-logs/web", "budget of 10 bytes of logs is used up"},
		{"calls", Budget{Calls: 3}, "", "cut off: this incident's budget of 3 calls is used up"},
		{"probes", Budget{Probes: 1}, "probe again", "budget of 1 probes is used up"},
		{"time", Budget{Total: time.Nanosecond}, "cloudtrail/us-east-1", "no answer in time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			deliver(t, a, "S3", "w3c", "arn:aws:s3:::cdn-logs/web", "", false)
			now := a.World.Clock.Now().UTC()
			a.S3.AddBucket(s3.Bucket{Name: "cdn-logs"})
			for i := range 5 {
				if _, err := a.S3.Put("cdn-logs", fmt.Sprintf("web/%s.%s.%d.gz", id, now.Format("2006-01-02-15"), i), zipped(row503+"\n")); err != nil {
					t.Fatal(err)
				}
			}
			g := gatherer(a, probes{status: 503})
			g.Budget = tt.budget
			_, gaps := g.Gather(t.Context(), question(a))
			if !slices.ContainsFunc(gaps, func(g incident.Gap) bool {
				return (tt.source == "" || g.Source == tt.source) && strings.Contains(g.Why, tt.want)
			}) {
				t.Errorf("no gap of %q says %q: %+v", tt.source, tt.want, gaps)
			}
		})
	}
}

func TestWebACLsLogsAreReadWhereverTheyGo(t *testing.T) {
	t.Parallel()
	const acl = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shield/0a"
	const block = `{"timestamp":1795500000000,"webaclId":"` + acl + `","action":"BLOCK","terminatingRuleId":"rate","httpSourceName":"CF","responseCodeSent":503}`
	const allow = `{"timestamp":1795500000000,"webaclId":"` + acl + `","action":"ALLOW","terminatingRuleId":"Default_Action","httpSourceName":"CF"}`
	for _, tt := range []struct {
		name, destination string
		prepare           func(*testing.T, *emulator.Account)
		records           int64
		gap               string
	}{
		{"a log group", "arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-cdn:*", func(_ *testing.T, a *emulator.Account) {
			now := a.World.Clock.Now()
			a.Logs.Put("us-east-1", "aws-waf-logs-cdn", logs.Event{At: now, Message: block}, logs.Event{At: now, Message: allow})
		}, 1, ""},
		{"a bucket, under a prefix and in another Region", "arn:aws:s3:::aws-waf-logs-cdn/all", func(t *testing.T, a *emulator.Account) {
			a.S3.AddBucket(s3.Bucket{Name: "aws-waf-logs-cdn", Region: "eu-west-1"})
			key := "all/AWSLogs/111122223333/WAFLogs/cloudfront/shield/" + a.World.Clock.Now().UTC().Format("2006/01/02/15/04/") + "x.log.gz"
			if _, err := a.S3.Put("aws-waf-logs-cdn", key, zipped(block+"\n"+allow+"\n"+block+"\n")); err != nil {
				t.Fatal(err)
			}
		}, 2, ""},
		{"a stream is a gap", "arn:aws:firehose:us-east-1:111122223333:deliverystream/aws-waf-logs-cdn", nil, 0, "stream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			if tt.prepare != nil {
				tt.prepare(t, a)
			}
			if err := a.WAF.Put([]byte(`{"Name":"shield","Id":"0a","ARN":"`+acl+`"}`), encode(map[string]any{"ResourceArn": acl, "LogDestinationConfigs": []string{tt.destination}})); err != nil {
				t.Fatal(err)
			}
			q := question(a)
			q.Snapshot.Config = json.RawMessage(`{"Aliases":{"Quantity":1,"Items":["www.example.com"]},"WebACLId":"` + acl + `"}`)
			files, gaps := gatherer(a, probes{status: 503}).Gather(t.Context(), q)
			ev, err := record.Read(record.Files(files))
			if err != nil {
				t.Fatal(err)
			}
			if ev.WAF == nil == (tt.records > 0) || ev.WAF != nil && ev.WAF.Records != tt.records {
				t.Errorf("WAF's logs: %+v", ev.WAF)
			}
			if told := slices.ContainsFunc(gaps, func(g incident.Gap) bool { return g.Source == "wafv2/logs" && strings.Contains(g.Why, tt.gap) }); told != (tt.gap != "") {
				t.Errorf("gaps: %+v", gaps)
			}
		})
	}
}

// FuzzDeliveries: whatever CloudWatch Logs answers, a source is made of it or not, and no prefix leaves a variable unfilled.
func FuzzDeliveries(f *testing.F) {
	f.Add([]byte(delivered))
	f.Add([]byte(`{"deliveries":[{"deliverySourceName":"x"}],"deliverySources":[{"name":"x","resourceArns":[":distribution/` + id + `"]}]}`))
	f.Add([]byte(`{"deliveries":null}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		q := Question{Account: "111122223333", Snapshot: incident.Snapshot{Distribution: id}}
		for _, s := range logSources(q, usedBy(json.RawMessage(`{}`)).logging, file) {
			if s.name == "" || s.read == nil {
				t.Errorf("%+v", s)
			}
		}
	})
}

// FuzzLines: a log object of any content gives its lines, and at most the bound.
func FuzzLines(f *testing.F) {
	f.Add(zipped("a\nb"))
	f.Add(zipped("a\nb")[:12])
	f.Add([]byte("plain\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		size := 0
		_ = lines(content, func(line string) { size += len(line) }) // damage is an error, and no more
		if size > mostWAFText && size > len(content) {
			t.Errorf("%d bytes of lines", size)
		}
	})
}

// FuzzPlaces: what was kept about origins never breaks the second wave.
func FuzzPlaces(f *testing.F) {
	f.Add("media.s3.amazonaws.com", []byte(`{"Origins":[{"DomainName":"media.s3.amazonaws.com","Region":"sa-east-1"}]}`))
	f.Add("lb.example.com", []byte(`{"Origins":[{"DomainName":"lb.example.com","CanonicalName":"shop-1.us-east-1.elb.amazonaws.com","ARN":"::"}]}`))
	f.Add("", []byte(`{"Origins":[{}]}`))
	f.Fuzz(func(t *testing.T, domain string, file []byte) {
		for _, r := range behind([]distribution.Origin{{DomainName: domain}}, file) {
			if r.region == "" {
				t.Errorf("%+v is nowhere", r)
			}
		}
	})
}
