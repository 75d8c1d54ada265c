// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

const (
	anaLine = "ana|arn:aws:iam::111122223333:user/ana|arn:aws:sns:us-east-1:111122223333:cf503-reply-1|arn:aws:sns:us-east-1:111122223333:cf503-channel-1"
	benLine = "b.en@example.com|arn:aws:iam::111122223333:role/teams/edge|arn:aws:sns:us-east-1:111122223333:cf503-reply-2|arn:aws:sns:us-east-1:111122223333:cf503-channel-2"
)

func TestApproversAreReadFromLines(t *testing.T) {
	t.Parallel()
	got, err := approval.ParseApprovers("\n  " + anaLine + "\r\n\n" + benLine)
	want := []incident.Approver{
		{Name: "ana", Principal: "arn:aws:iam::111122223333:user/ana", Topic: "arn:aws:sns:us-east-1:111122223333:cf503-reply-1", Channel: "arn:aws:sns:us-east-1:111122223333:cf503-channel-1", Circle: 1},
		{Name: "b.en@example.com", Principal: "arn:aws:iam::111122223333:role/teams/edge", Topic: "arn:aws:sns:us-east-1:111122223333:cf503-reply-2", Channel: "arn:aws:sns:us-east-1:111122223333:cf503-channel-2", Circle: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
	if owner, known := approval.OwnerOf(got, want[1].Topic); !known || owner.Name != "b.en@example.com" {
		t.Errorf("owner %+v", owner)
	}
	if _, known := approval.OwnerOf([]incident.Approver{{Name: "nobody"}}, ""); known {
		t.Error("an empty topic has an owner")
	}
	if phones, err := approval.ParseApprovers(anaLine + "|2|+14255550182\n" + benLine + "|1|"); err != nil || phones[0].Phone != "+14255550182" || phones[1].Phone != "" {
		t.Errorf("phones of %+v, error %v", phones, err)
	}
	if none, err := approval.ParseApprovers(" \n"); len(none) != 0 || err != nil {
		t.Errorf("got %v, error %v", none, err)
	}
}

func TestEveryProblemOfTheApproversIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	many := make([]string, 11)
	for i := range many {
		many[i] = strings.NewReplacer("ana", fmt.Sprintf("ana%d", i), "reply-1", fmt.Sprintf("reply-%d", i)).Replace(anaLine)
	}
	tests := []struct {
		name, text string
		want       []string
	}{
		{"several at once", "x|y|z\na b" + anaLine[3:] + "\n" + strings.Replace(benLine, ":role/", ":group/", 1),
			[]string{"3 parts", `name "a b"`, "group/teams/edge"}},
		{"one letter", "a" + anaLine[3:], []string{`name "a"`}},
		{"65 letters", strings.Repeat("a", 65) + anaLine[3:], []string{"name"}},
		{"a session instead of a user or role", strings.Replace(anaLine, "arn:aws:iam::111122223333:user/ana", "arn:aws:sts::111122223333:assumed-role/edge/ana", 1), []string{"principal"}},
		{"the whole account", strings.Replace(anaLine, ":user/ana", ":root", 1), []string{"principal"}},
		{"the same person twice, in capitals", anaLine + "\n" + strings.Replace(benLine, "b.en@example.com", "ANA", 1), []string{"name ANA is there twice"}},
		{"one reply topic for two", anaLine + "\n" + strings.Replace(benLine, "reply-2", "reply-1", 1), []string{"reply topic", "twice"}},
		{"a channel that is a reply topic", strings.Replace(anaLine, "channel-1", "reply-1", 1), []string{"the channel is a reply topic"}},
		{"one phone for two", anaLine + "|1|+14255550182\n" + benLine + "|2|+14255550182", []string{"phone +*********82 is there twice"}},
		{"a phone without its country", anaLine + "|1|4255550182", []string{"the phone +********82 is no number"}},
		{"a phone of other digits", anaLine + "|1|+\u0661\u0664\u0662\u0665\u0665\u0665\u0660", []string{"is no number"}},
		{"the name of nobody's session", "As-Approved" + anaLine[3:], []string{"the name is this software's own"}},
		{"eleven", strings.Join(many, "\n"), []string{"11 approvers"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := approval.ParseApprovers(test.text)
			if err == nil || got != nil {
				t.Fatalf("got %v, error %v", got, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
}

func FuzzParsedApproversAreSafeToUse(f *testing.F) {
	f.Add(anaLine + "\n" + benLine)
	f.Add("a|b|c|d")
	f.Fuzz(func(t *testing.T, text string) {
		approvers, err := approval.ParseApprovers(text)
		if err != nil {
			return
		}
		topics := map[string]bool{}
		for _, approver := range approvers {
			if strings.ContainsAny(approver.Name, "/ \n|") || topics[approver.Topic] {
				t.Errorf("%+v", approver)
			}
			topics[approver.Topic] = true
		}
	})
}
