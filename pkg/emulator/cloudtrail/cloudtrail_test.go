// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
)

type bus struct {
	mu      sync.Mutex
	emitted []string
}

func (b *bus) Emit(source, detailType string, _ []string, _ any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.emitted = append(b.emitted, source+" "+detailType)
}

func newRig(t *testing.T) (*kernel.World, *Service, *sdk.Client, *bus) {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	s, b := New(w), &bus{}
	w.Bus = b
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	client := sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1,
	})
	return w, s, client, b
}

func update(id string) kernel.TrailEvent {
	return kernel.TrailEvent{
		Source: "cloudfront.amazonaws.com", Name: "UpdateDistribution", Request: map[string]any{"id": id},
		Caller:    kernel.Principal{ARN: "arn:aws:sts::111122223333:assumed-role/Deployer/alice", IAM: "arn:aws:iam::111122223333:role/Deployer", UserID: "AROAX:alice", SourceIdentity: "alice"},
		Resources: []kernel.TrailResource{{Type: "AWS::CloudFront::Distribution", Name: id}},
	}
}

func byName(id string) *sdk.LookupEventsInput {
	return &sdk.LookupEventsInput{LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyResourceName, AttributeValue: aws.String(id)}}}
}

func TestEventsAreSeenOnceTheyAreDelivered(t *testing.T) {
	w, s, client, b := newRig(t)
	id := s.Record(update("E1"))
	w.Settle()
	if fmt.Sprint(b.emitted) != "[aws.cloudfront AWS API Call via CloudTrail]" {
		t.Errorf("emitted %v", b.emitted)
	}
	out, err := client.LookupEvents(context.Background(), byName("E1"))
	if err != nil || len(out.Events) != 0 {
		t.Fatalf("at once: %v, %v", out, err)
	}
	w.Clock.Advance(defaultDelay)
	out, err = client.LookupEvents(context.Background(), byName("E1"))
	if err != nil || len(out.Events) != 1 || *out.Events[0].EventId != id || *out.Events[0].Username != "alice" {
		t.Fatalf("after the delay: %v, %v", out, err)
	}
	var record struct {
		UserIdentity struct {
			Type           string
			SessionContext struct {
				SourceIdentity string
				SessionIssuer  struct{ ARN string }
			}
		}
		RequestParameters struct{ ID string }
	}
	if err := json.Unmarshal([]byte(*out.Events[0].CloudTrailEvent), &record); err != nil {
		t.Fatal(err)
	}
	if record.UserIdentity.Type != "AssumedRole" || record.UserIdentity.SessionContext.SourceIdentity != "alice" || record.RequestParameters.ID != "E1" {
		t.Errorf("record %+v", record)
	}
}

func TestEventsOfThePastAreNotEmittedAgain(t *testing.T) {
	w, s, _, b := newRig(t)
	e := update("E1")
	e.At = w.Clock.Now().Add(-time.Hour)
	s.Record(e)
	w.Settle()
	if len(b.emitted) != 0 {
		t.Errorf("emitted %v", b.emitted)
	}
}

func TestLookupPagesNewestFirst(t *testing.T) {
	w, s, client, _ := newRig(t)
	for i := range 120 {
		e := update("E1")
		e.At = w.Clock.Now().Add(-time.Duration(i+10) * time.Minute)
		s.Record(e)
	}
	in := byName("E1")
	var got []types.Event
	for {
		out, err := client.LookupEvents(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, out.Events...)
		if in.NextToken = out.NextToken; out.NextToken == nil {
			break
		}
	}
	if len(got) != 120 {
		t.Fatalf("%d events, want 120", len(got))
	}
	for i := 1; i < len(got); i++ {
		if got[i].EventTime.After(*got[i-1].EventTime) {
			t.Fatalf("event %d is newer than the one before", i)
		}
	}
}

func TestLookupIsRefused(t *testing.T) {
	two := byName("E1")
	two.LookupAttributes = append(two.LookupAttributes, two.LookupAttributes[0])
	for _, test := range []struct {
		name, code string
		in         *sdk.LookupEventsInput
	}{
		{"with two attributes", "InvalidLookupAttributesException", two},
		{"with more than a page", "InvalidMaxResultsException", &sdk.LookupEventsInput{MaxResults: aws.Int32(51)}},
		{"with a made-up token", "InvalidNextTokenException", &sdk.LookupEventsInput{NextToken: aws.String("x")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, client, _ := newRig(t)
			_, err := client.LookupEvents(context.Background(), test.in)
			if got := code(err); got != test.code {
				t.Errorf("error %v, want %s", err, test.code)
			}
		})
	}
}

func TestLookupIsThrottledWhenToldTo(t *testing.T) {
	_, s, client, _ := newRig(t)
	s.SetRate(2)
	codes := ""
	for range 3 {
		_, err := client.LookupEvents(context.Background(), &sdk.LookupEventsInput{})
		codes += code(err) + ";"
	}
	if codes != ";;ThrottlingException;" {
		t.Errorf("codes %s", codes)
	}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
