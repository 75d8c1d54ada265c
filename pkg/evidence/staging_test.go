// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	cdn "cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/evidence/record"
)

const stagingID = "E2STAGINGEXAMPLE"

func TestTheStagingDistributionsOwnLogsAreRead(t *testing.T) {
	t.Parallel()
	const rows = "#Fields: sc-status x-edge-result-type\n503\tError\n503\tError\n200\tHit\n"
	tests := []struct {
		name    string
		enabled bool
		logging string // the staging distribution's
		v2      bool   // its logs are delivered as version 2
		rows    int64
	}{
		{"legacy logs", true, `{"Enabled":true,"IncludeCookies":false,"Bucket":"stage-logs.s3.amazonaws.com","Prefix":"cf/"}`, false, 3},
		{"logs of version 2", true, `{"Enabled":false,"IncludeCookies":false,"Bucket":"","Prefix":""}`, true, 3},
		{"no logs", true, `{"Enabled":false,"IncludeCookies":false,"Bucket":"","Prefix":""}`, false, 0},
		{"a policy that sends nothing there", false, `{"Enabled":true,"IncludeCookies":false,"Bucket":"stage-logs.s3.amazonaws.com","Prefix":"cf/"}`, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := account(t)
			staging := strings.Replace(configuration, `"Comment":""`, `"Comment":"","Staging":true,"Logging":`+test.logging, 1)
			if err := a.CloudFront.PutDistributionAs(stagingID, "", "d222.cloudfront.net", []byte(strings.Replace(staging, `"Aliases":{"Quantity":1,"Items":["www.example.com"]},`, "", 1)), nil); err != nil {
				t.Fatal(err)
			}
			policy := fmt.Sprintf(`{"Id":"p","ContinuousDeploymentPolicyConfig":{"StagingDistributionDnsNames":{"Quantity":1,"Items":["d222.cloudfront.net"]},"Enabled":%v}}`, test.enabled)
			if err := a.CloudFront.PutResource(cdn.ContinuousDeploymentPolicy, "p", "", []byte(policy)); err != nil {
				t.Fatal(err)
			}
			now := a.World.Clock.Now().UTC()
			a.S3.AddBucket(bucket("stage-logs", "us-east-1"))
			if _, err := a.S3.Put("stage-logs", "cf/"+stagingID+"."+now.Format("2006-01-02-15")+".0a1b2c3d.gz", zipped(rows)); err != nil {
				t.Fatal(err)
			}
			if test.v2 {
				delivery(t, a.Logs)
			}
			q := question(a)
			q.Snapshot.Config = json.RawMessage(strings.Replace(configuration, `"Comment":""`, `"Comment":"","ContinuousDeploymentPolicyId":"p"`, 1))
			files, gaps := gatherer(a, probes{status: 200}).Gather(t.Context(), q)
			ev, err := record.Read(record.Files(files))
			if err != nil {
				t.Fatal(err)
			}
			read := int64(0)
			if ev.StagingLogs != nil {
				read = ev.StagingLogs.Rows
			}
			if read != test.rows || ev.Logs != nil {
				t.Errorf("%d rows of the staging distribution, want %d; the distribution's own: %+v", read, test.rows, ev.Logs)
			}
			if len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
		})
	}
}

// delivery delivers the staging distribution's logs to the bucket.
func delivery(t *testing.T, vended *logs.Service) {
	t.Helper()
	for what, document := range map[string]any{
		logs.Sources:    map[string]any{"name": "stage", "resourceArns": []string{"arn:aws:cloudfront::111122223333:distribution/" + stagingID}},
		logs.Deliveries: map[string]any{"id": "1", "deliverySourceName": "stage", "deliveryDestinationArn": "d:1", "deliveryDestinationType": "S3"},
		logs.Destinations: map[string]any{"name": "to", "arn": "d:1", "outputFormat": "w3c", "deliveryDestinationType": "S3",
			"deliveryDestinationConfiguration": map[string]any{"destinationResourceArn": "arn:aws:s3:::stage-logs/cf"}},
	} {
		if err := vended.PutDelivery("us-east-1", what, encode(document)); err != nil {
			t.Fatal(err)
		}
	}
}
