// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront503

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"cloudfront503/pkg/runbook/document"
)

// CloudFormation has no loops without a macro, so that ten approvers stand there ten times. They must be the same.
func TestApproversAreTheSameTenTimes(t *testing.T) {
	first := blocksOf(t, 1)
	for n := 2; n <= 10; n++ {
		for i, block := range blocksOf(t, n) {
			want := regexp.MustCompile(`\b((?:Has)?Approver|ChannelTopic|ChannelSubscription|ReplyTopic|ReplyTopicPolicy|ReplySubscription|channel-|reply-)1\b`).
				ReplaceAllString(first[i], fmt.Sprintf("${1}%d", n))
			if block != want {
				t.Errorf("approver %d differs from the first:\n%s\nwant\n%s", n, block, want)
			}
		}
	}
}

// blocksOf are the resources of one approver.
func blocksOf(t *testing.T, n int) []string {
	t.Helper()
	var blocks []string
	for _, name := range []string{"ChannelTopic", "ChannelSubscription", "ReplyTopic", "ReplyTopicPolicy", "ReplySubscription"} {
		head := fmt.Sprintf("\n  %s%d:\n", name, n)
		_, rest, found := strings.Cut(string(Template()), head)
		if !found {
			t.Fatalf("no %s%d", name, n)
		}
		block, _, _ := strings.Cut(rest, "\n\n")
		blocks = append(blocks, block)
	}
	return blocks
}

func TestThereIsNoEleventhApprover(t *testing.T) {
	if strings.Contains(string(Template()), "Approver11") {
		t.Error("a gate takes ten approvers")
	}
}

func TestTopicsForQuotasAreOfOtherRegions(t *testing.T) {
	_, rest, _ := strings.Cut(string(Template()), "\n  QuotaTopics:\n")
	_, rest, found := strings.Cut(rest, "AllowedPattern: ")
	line, _, _ := strings.Cut(rest, "\n")
	pattern, err := regexp.Compile(line)
	if err != nil || !found {
		t.Fatalf("%q: %v", line, err)
	}
	const account = ":111122223333:"
	for arn, want := range map[string]bool{
		"": true, "arn:aws:sns:eu-west-1" + account + "quotas": true, "arn:aws:sns:us-east-2" + account + "quotas": true, "arn:aws:sns:us-west-1" + account + "a_b-1": true,
		"arn:aws:sns:ap-southeast-2" + account + "quotas": true, "arn:aws:sns:il-central-1" + account + "quotas": true,
		"arn:aws:sns:us-east-1" + account + "quotas": false, "arn:aws:sns:eu-west-1" + account + "quotas.fifo": false, "arn:aws:sns:eu-west-1::quotas": false,
		"arn:aws:sqs:eu-west-1" + account + "quotas": false, "arn:aws:sns:eu-west-1" + account + "quotas:0a1b2c3d": false, "quotas": false,
	} {
		if pattern.MatchString(arn) != want {
			t.Errorf("%q is taken: %v", arn, !want)
		}
	}
}

func TestRunbooksAreSound(t *testing.T) {
	documents, err := fs.Sub(Files(), "pkg/runbook/documents")
	if err != nil {
		t.Fatal(err)
	}
	problems, err := document.CheckFiles(documents, document.Applies)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := fs.Glob(documents, "*.yaml"); err != nil || len(names) < 2 {
		t.Fatalf("documents %v: %v", names, err)
	}
	for name, found := range problems {
		for _, problem := range found {
			t.Errorf("%s: %s: %s", name, problem.Step, problem.Text)
		}
	}
}

// Whatever cannot be handled ends in the queue, and the queue has an alarm.
func TestEveryQueueBehindEveryRule(t *testing.T) {
	template := string(Template())
	rules := strings.Count(template, "Type: AWS::Events::Rule")
	queues := strings.Count(template, "DeadLetterConfig: { Arn: !GetAtt DeadLetters.Arn }")
	if rules == 0 || rules != queues {
		t.Errorf("%d rules, %d of them with a dead-letter queue", rules, queues)
	}
	if n := strings.Count(template, "OnFailure: { Type: SQS, Destination: !GetAtt DeadLetters.Arn }"); n != 4 {
		t.Errorf("%d functions with a failure destination, want the four that are invoked asynchronously", n)
	}
}
