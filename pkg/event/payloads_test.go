// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cloudfront503/pkg/incident"
)

// publishedPayloads lies outside the repository, beside it.
const publishedPayloads = "../../../shared/payloads"

// published is a trigger's kind, "ignored: …", or the error.
var published = map[string]string{
	"alarm-api/cli-describe-alarm-history.json":                               `error`, // an API's answer
	"alarm-eventbridge/eb-alarm-config-create-composite-suppressor.json":      `ignored: "CloudWatch Alarm Configuration Change" of "aws.cloudwatch" is not ours`,
	"alarm-eventbridge/eb-alarm-config-create-composite.json":                 `ignored: "CloudWatch Alarm Configuration Change" of "aws.cloudwatch" is not ours`,
	"alarm-eventbridge/eb-alarm-config-delete-composite.json":                 `ignored: "CloudWatch Alarm Configuration Change" of "aws.cloudwatch" is not ours`,
	"alarm-eventbridge/eb-alarm-config-delete-metric-math.json":               `ignored: "CloudWatch Alarm Configuration Change" of "aws.cloudwatch" is not ours`,
	"alarm-eventbridge/eb-alarm-config-update-composite.json":                 `ignored: "CloudWatch Alarm Configuration Change" of "aws.cloudwatch" is not ours`,
	"alarm-eventbridge/eb-alarm-state-metric-math.json":                       `ignored: alarm "TotalNetworkTrafficTooHigh" names no CloudFront distribution`,
	"alarm-eventbridge/eb-alarm-state-single-metric.json":                     `ignored: alarm "ServerCpuTooHigh" names no CloudFront distribution`,
	"alarm-lambda-direct/powertools-cloudWatchAlarmEventCompositeMetric.json": `alarm`,
	"alarm-lambda-direct/powertools-cloudWatchAlarmEventSingleMetric.json":    `ignored: alarm "Test alert" names no CloudFront distribution`,
	"alarm-lambda-direct/rust-example-cloudwatch-alarm-composite.json":        `alarm`,
	"alarm-lambda-direct/rust-example-cloudwatch-alarm-metric.json":           `ignored: alarm "lambda-demo-metric-alarm" names no CloudFront distribution`,
	"alarm-sns/lambda-go-cloudwatch-alarm-sns-payload-single-metric.json":     `ignored: alarm "EXAMPLE" names no CloudFront distribution`,
	"alarm-sns/lambda-go-sns-event.json":                                      `reply`,
	"alarm-sns/lambda-go-sqs-event.json":                                      `error`, // words on a queue: whose, nothing tells
	"alarm-sns/localstack-recorded-test_put_metric_alarm.json":                `error`, // recorded API answers
	"alarm-sns/notify-slack-message-cloudwatch_alarm.json":                    `ignored: alarm "DBMigrationRequired" names no CloudFront distribution`,
	"alarm-sns/powertools-snsEvent.json":                                      `reply`,
	"alarm-sns/powertools-snsSqsEvent.json":                                   `reply`,
	"alarm-sns/powertools-snsSqsFifoEvent.json":                               `reply`,
	"cloudtrail/c7n-event-cloud-trail-create-distribution.json":               `change`,
	"cloudtrail/c7n-event-cloud-trail-tag-distribution.json":                  `change`,
	"cloudtrail/c7n-event-cloud-trail-update-distribution.json":               `change`,
	"cloudtrail/rust-example-cloudwatch-cloudtrail-assumed-role.json":         `error`, // a bare record: EventBridge delivers none
	"cloudtrail/rust-example-cloudwatch-cloudtrail-unknown-federate.json":     `error`,
	"cloudtrail/rust-example-cloudwatch-cloudtrail-unknown-user-auth.json":    `error`,
	"health/c7n-event-phd-ec2-retire.json":                                    `health`,
	"health/cli-describe-events.json":                                         `error`, // an API's answer
	"health/cli-notifications-cloudfront-operational-issue.json":              `error`, // an API's answer
	"health/docs-eb-account-elb-api-issue.json":                               `health`,
	"health/health-tools-instance-store-degraded.json":                        `health`,
	"health/health-tools-sms-notifier-test.json":                              `health`,
	"health/notify-slack-aws_health_event.json":                               `health`,
	"other/asr-simdata-afsbp-cloudfront.1.json":                               `error`, // a bare Security Hub finding
	"ssm/cli-describe-automation-step-executions.json":                        `error`, // an API's answer
	"ssm/cli-get-automation-execution.json":                                   `error`, // an API's answer
	"ssm/eb-automation-execution-status.json":                                 `execution`,
	"ssm/eb-calendar-closed.json":                                             `ignored: "Calendar State Change" of "aws.ssm" is not ours`,
	"ssm/eb-calendar-open.json":                                               `ignored: "Calendar State Change" of "aws.ssm" is not ours`,
}

// noEvents are folders of API answers and documents: nothing in them wakes a function, so each must be refused.
var noEvents = []string{"cloudfront", "runbooks-with-approval"}

func TestEveryPublishedPayloadIsReadOrRefusedOnPurpose(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(publishedPayloads); err != nil {
		t.Skip("the folder of published payloads is not here")
	}
	seen := 0
	err := filepath.WalkDir(publishedPayloads, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		name, _ := filepath.Rel(publishedPayloads, path)
		seen++
		t.Run(name, func(t *testing.T) {
			want, listed := published[filepath.ToSlash(name)]
			if slices.Contains(noEvents, filepath.Dir(name)) {
				want, listed = "error", true
			}
			if got := outcomeOf(must(os.ReadFile(path))(t)); !listed || got != want {
				t.Errorf("got %s, want %q (listed: %t)", got, want, listed)
			}
		})
		return nil
	})
	if err != nil || seen < len(published) {
		t.Errorf("saw %d of %d files: %v", seen, len(published), err)
	}
}

func outcomeOf(raw []byte) string {
	trigger, err := Parse(raw)
	var ignored *Ignored
	switch {
	case errors.As(err, &ignored):
		return ignored.Error()
	case err != nil:
		return "error"
	}
	return string(trigger.Kind)
}

func TestEveryRecordedIncidentsEventIsAnAlarmOfItsDistribution(t *testing.T) {
	t.Parallel()
	folders, _ := filepath.Glob("../../../shared/incidents/examples/*")
	if len(folders) == 0 {
		t.Skip("the folder of recorded incidents is not here")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			var recorded struct{ DistributionID, AlarmMetric string }
			must(0, json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "incident.json")))(t), &recorded))(t)
			trigger, err := Parse(must(os.ReadFile(filepath.Join(folder, "event.json")))(t))
			if err != nil || trigger.Kind != incident.KindAlarm {
				t.Fatalf("%v, %v", trigger.Kind, err)
			}
			if !slices.Equal(trigger.Alarm.Distributions, []string{recorded.DistributionID}) || trigger.Alarm.Metric != recorded.AlarmMetric {
				t.Errorf("%v by %s, want %s by %s", trigger.Alarm.Distributions, trigger.Alarm.Metric, recorded.DistributionID, recorded.AlarmMetric)
			}
		})
	}
}
