// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTimersFireInOrderEachAtItsTime(t *testing.T) {
	w := NewWorld(account, "us-east-1")
	w.Clock.SetNow(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	var fired []string
	note := func(name string) func() {
		return func() { fired = append(fired, name+" "+w.Clock.Now().Format("15:04")) }
	}
	w.Clock.After(2*time.Hour, "late", note("late"))
	w.Clock.After(time.Hour, "early", func() {
		note("early")()
		w.Clock.After(30*time.Minute, "between", note("between"))
	})
	cancel := w.Clock.After(time.Hour, "cancelled", note("cancelled"))
	w.Clock.After(9*time.Hour, "never", note("never"))
	cancel()
	if name, in, ok := w.Clock.Next(); !ok || name != "early" || in > time.Hour {
		t.Errorf("next is %s in %v", name, in)
	}
	w.Clock.Advance(3 * time.Hour)
	if diff := cmp.Diff([]string{"early 04:00", "between 04:30", "late 05:00"}, fired); diff != "" {
		t.Errorf("fired (-want +got):\n%s", diff)
	}
	if got := w.Clock.Now().Format("15:04"); got != "06:00" {
		t.Errorf("now it is %s", got)
	}
}

func TestAdvanceWaitsForWorkOfATimer(t *testing.T) {
	w := NewWorld(account, "us-east-1")
	done, release := false, make(chan struct{})
	w.Clock.After(time.Minute, "work", func() {
		w.Go(func() { <-release; w.Go(func() { done = true }) })
		close(release)
	})
	w.Clock.Advance(time.Hour)
	if !done {
		t.Error("the clock went on before the work was done")
	}
}

func TestAFaultThatOnlyWatchesHidesNone(t *testing.T) {
	f := NewFaults()
	var ran string
	throttling := Errorf(400, "Throttling", "Rate exceeded")
	f.Add(Fault{Action: "a:*", Before: func() { ran += "1" }})
	f.Add(Fault{Action: "a:B", Before: func() { ran += "2" }, Error: throttling})
	f.Add(Fault{Action: "a:B", Before: func() { ran += "3" }})
	fault := f.Match("a:B", "", "")
	if fault == nil || fault.Error != throttling {
		t.Fatalf("got %+v, want the throttling", fault)
	}
	if fault.Before(); ran != "12" {
		t.Errorf("before it ran %q, want what came up to the throttling, in turn", ran)
	}
	if fault := f.Match("a:C", "", ""); fault == nil || fault.Error != nil || fault.Before == nil {
		t.Errorf("got %+v, want the one that only watches", fault)
	}
}

func TestFaultsCount(t *testing.T) {
	f := NewFaults()
	off := f.Add(Fault{Action: "s3:Put*", Resource: "arn:aws:s3:::b/*", Caller: "*/worker/*", Skip: 1, Times: 2, Error: Errorf(503, "SlowDown", "")})
	calls := []struct {
		action, resource, caller string
		hit                      bool
	}{
		{"s3:PutObject", "arn:aws:s3:::b/k", "arn:aws:sts::1:assumed-role/worker/s", false}, // skipped
		{"s3:GetObject", "arn:aws:s3:::b/k", "arn:aws:sts::1:assumed-role/worker/s", false},
		{"s3:PutObject", "arn:aws:s3:::c/k", "arn:aws:sts::1:assumed-role/worker/s", false},
		{"s3:PutObject", "arn:aws:s3:::b/k", "arn:aws:iam::1:user/ann", false},
		{"s3:PutObject", "arn:aws:s3:::b/k", "arn:aws:sts::1:assumed-role/worker/s", true},
		{"s3:PutBucketPolicy", "arn:aws:s3:::b/k", "arn:aws:sts::1:assumed-role/worker/s", true},
		{"s3:PutObject", "arn:aws:s3:::b/k", "arn:aws:sts::1:assumed-role/worker/s", false}, // used up
	}
	for i, call := range calls {
		if got := f.Match(call.action, call.resource, call.caller) != nil; got != call.hit {
			t.Errorf("call %d: hit %v, want %v", i, got, call.hit)
		}
	}
	off()
	always := f.Add(Fault{Action: "*"})
	if f.Match("a:b", "", "") == nil {
		t.Error("a fault without a number of times did not hit")
	}
	always()
	if f.Match("a:b", "", "") != nil {
		t.Error("a fault hit after it was switched off")
	}
}

// render serves one call whose service does what answer says, and returns the answer.
func render(service, contentType string, answer func(c *Call)) (status int, header http.Header, body string) {
	w := NewWorld(account, "us-east-1")
	var seen http.Header
	w.Register(service, serviceFunc(func(c *Call) {
		answer(c)
		seen = c.W.Header()
	}))
	headers := map[string]string{"Content-Type": contentType}
	status, raw := w.Do(Request{Service: service, Header: headers, Path: "/bucket/key"})
	id := seen.Get(requestIDHeader(service))
	return status, seen, strings.ReplaceAll(string(raw), id, "ID")
}

func TestAnswersInEachProtocol(t *testing.T) {
	type result struct {
		MessageID string `xml:"MessageId"`
	}
	failure := Errorf(404, "NoSuchKey", "a < b")
	failure.Extra = map[string]string{"Key": "k"}
	tests := []struct {
		name, service, contentType string
		answer                     func(*Call)
		wantStatus                 int
		wantType, want             string
	}{
		{"REST-XML", "cloudfront", "", func(c *Call) { c.XML(201, result{"1"}) }, 201, "application/xml", xmlHead + "<result><MessageId>1</MessageId></result>"},
		{"REST-XML as it is", "cloudfront", "", func(c *Call) { c.XML(200, []byte("<A/>")) }, 200, "application/xml", xmlHead + "<A/>"},
		{"REST-XML without a body", "cloudfront", "", func(c *Call) { c.XML(204, nil) }, 204, "", ""},
		{
			"a REST-XML error", "cloudfront", "", func(c *Call) { c.FailXML(failure) }, 404, "application/xml",
			xmlHead + `<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type><Code>NoSuchKey</Code><Message>a &lt; b</Message><Key>k</Key></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		{
			"S3's error", "s3", "", func(c *Call) { c.FailXML(failure) }, 404, "application/xml",
			xmlHead + `<Error><Code>NoSuchKey</Code><Message>a &lt; b</Message><Key>k</Key><Resource>/bucket/key</Resource><RequestId>ID</RequestId><HostId>emulated</HostId></Error>`,
		},
		{
			"a query result", "sns", "application/x-www-form-urlencoded", func(c *Call) { c.Query("Publish", result{"1"}) }, 200, "text/xml",
			xmlHead + `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></PublishResponse>`,
		},
		{
			"a query answer without a result", "sns", "", func(c *Call) { c.Query("Unsubscribe", nil) }, 200, "text/xml",
			xmlHead + `<UnsubscribeResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></UnsubscribeResponse>`,
		},
		{
			"a query error that is ours", "sts", "", func(c *Call) { c.FailQuery(errors.New("broken")) }, 500, "text/xml",
			xmlHead + `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>broken</Message></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		{"JSON 1.1", "ssm", "application/x-amz-json-1.1", func(c *Call) { c.JSON(map[string]int{"a": 1}) }, 200, "application/x-amz-json-1.1", `{"a":1}`},
		{"REST-JSON", "lambda", "", func(c *Call) { c.JSONStatus(202, []byte("{}")) }, 202, "application/json", "{}"},
		{"a JSON error", "ssm", "application/x-amz-json-1.1", func(c *Call) { c.FailJSON(failure) }, 404, "application/x-amz-json-1.1", `{"Key":"k","__type":"NoSuchKey","message":"a \u003c b"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, header, body := render(test.service, test.contentType, test.answer)
			if status != test.wantStatus || header.Get("Content-Type") != test.wantType {
				t.Errorf("got %d %q, want %d %q", status, header.Get("Content-Type"), test.wantStatus, test.wantType)
			}
			if diff := cmp.Diff(test.want, body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownParametersAreNoted(t *testing.T) {
	w := NewWorld(account, "us-east-1")
	w.Register("sns", serviceFunc(func(c *Call) {
		form, err := c.Form("TopicArn", "Tags.*")
		if err != nil {
			c.FailQuery(err)
			return
		}
		c.Query(c.Operation(), struct{ Topic string }{form.Get("TopicArn")})
	}))
	tests := []struct {
		name, body string
		want       string
		violations int
	}{
		{"those that are known", "Action=Tag&Version=1&TopicArn=t&Tags.member.1.Key=k", "<TagResult><Topic>t</Topic></TagResult>", 0},
		{"one that is not", "Action=Tag&TopicArn=t&Colour=red", "<Code>InvalidParameterCombination</Code>", 1},
		{"no form at all", "Action=Tag&%zz", "<Code>MalformedQueryString</Code>", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, body := w.Do(Request{Service: "sns", Body: []byte(test.body)})
			if !strings.Contains(string(body), test.want) || len(w.Violations()) != test.violations {
				t.Errorf("got %s, violations %q", body, w.Violations())
			}
		})
	}
}

func TestWatchersHearOfACallWhenItHasEnded(t *testing.T) {
	w := NewWorld(account, "us-east-1")
	w.Register("toy", serviceFunc(func(c *Call) {
		if err := c.Begin(Access{Action: "toy:Break"}); err != nil {
			c.FailJSON(err)
			return
		}
		if line := w.Journal.Lines()[0]; line.Outcome != "" {
			t.Errorf("under way, the outcome is %s", line.Outcome)
		}
		c.FailJSON(Errorf(400, "Broken", ""))
	}))
	var heard []string
	w.Journal.Watch(func(line Line) { heard = append(heard, fmt.Sprint(line.Action, " ", line.Outcome, " ", line.Grants)) })
	w.Do(Request{Service: "toy"})
	if diff := cmp.Diff([]string{"toy:Break Broken [operator/AdministratorAccess#0]"}, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestIdentityKnowsRolesAndUsers(t *testing.T) {
	i := NewIdentity(account)
	role := i.AddRole(Role{Name: "worker"})
	user := i.AddUser(User{Name: "ann", ARN: "arn:aws:iam::444455556666:user/ann"})
	i.SetTrust(role.ARN, &Policy{Raw: json.RawMessage("{}")})
	if got, ok := i.Role(role.ARN); !ok || got.Trust == nil || !strings.HasPrefix(got.ID, "AROA") {
		t.Errorf("role %+v", got)
	}
	if _, ok := i.RoleNamed("other"); ok {
		t.Error("there is a role named other")
	}
	if got, ok := i.User(user.ARN); !ok || got.Name != "ann" {
		t.Errorf("user %+v", got)
	}
	if got, ok := i.UserNamed("ann"); !ok || got.ARN != user.ARN {
		t.Errorf("user %+v", got)
	}
	credentials, err := i.UserCredentials(user.ARN)
	if err != nil {
		t.Fatal(err)
	}
	want := Principal{ARN: user.ARN, IAM: user.ARN, UserID: user.ID, Account: "444455556666"}
	if diff := cmp.Diff(want, i.Principal(credentials.AccessKeyID)); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	for name, err := range map[string]error{
		"a session of a role that is not there": second(i.Session("arn:aws:iam::111122223333:role/other", "s", "", nil)),
		"a key of a user that is not there":     second(i.UserCredentials("arn:aws:iam::111122223333:user/other")),
	} {
		var api *APIError
		if !errors.As(err, &api) || api.Code != "NoSuchEntity" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ Credentials, err error) error { return err }

func TestAnotherAccountNeedsBothPolicies(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:111122223333:reply"
	allowed := policyOf(`{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}`)
	byUser := &Policy{Raw: policyOf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/ann"},"Action":"sns:Publish","Resource":"*"}`)}
	byAccount := &Policy{Raw: policyOf(`{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sns:Publish","Resource":"*"}`)}
	tests := []struct {
		name     string
		identity json.RawMessage
		policy   *Policy
		want     string
	}{
		{"both, the user", allowed, byUser, ""},
		{"both, the account", allowed, byAccount, ""},
		{"the resource's only", nil, byUser, "because no identity-based policy allows the sns:Publish action"},
		{"the identity's only", allowed, nil, "because no resource-based policy allows the sns:Publish action"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := NewWorld(account, "us-east-1")
			user := User{Name: "ann", ARN: "arn:aws:iam::444455556666:user/ann"}
			if test.identity != nil {
				user.Policies = map[string]json.RawMessage{"p": test.identity}
			}
			credentials, err := w.Identity.UserCredentials(w.Identity.AddUser(user).ARN)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Authorize(w.Identity.Principal(credentials.AccessKeyID), "sns", "us-east-1", Access{Action: "sns:Publish", Resources: []string{topic}, Policy: test.policy})
			checkDenial(t, err, test.want)
		})
	}
}
