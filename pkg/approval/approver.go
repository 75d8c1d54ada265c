// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cloudfront503/pkg/incident"
)

// MostApprovers is how many a gate takes [SSM "aws:approve"].
const MostApprovers = 10

var (
	approverName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`) // of RoleSessionName and SourceIdentity [STS AssumeRole]
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(?:user|role)/[\w+=,.@/-]{1,512}$`)
	topicARN     = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256}$`)
)

// ParseApprovers reads the stack's approvers, one line each:
//
//	name|principal ARN|reply topic ARN|channel topic ARN
//
// as in
//
//	ana|arn:aws:iam::111122223333:user/ana|arn:aws:sns:us-east-1:111122223333:cf503-reply-1|arn:aws:sns:us-east-1:111122223333:cf503-channel-1
//
// Empty lines do not count. The error names every problem, not just the first. Names must differ in more than case, and
// no two people may share a reply topic, because the topic is the identity; a channel may be shared.
func ParseApprovers(text string) ([]incident.Approver, error) {
	var approvers []incident.Approver
	var problems []error
	names, topics := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		approver, err := parseApprover(line)
		problems = append(problems, err, unique("name", approver.Name, names), unique("reply topic", approver.Topic, topics))
		approvers = append(approvers, approver)
	}
	if len(approvers) > MostApprovers {
		problems = append(problems, fmt.Errorf("%d approvers, more than %d", len(approvers), MostApprovers))
	}
	for _, approver := range approvers {
		if topics[strings.ToLower(approver.Channel)] && approver.Channel != "" {
			problems = append(problems, fmt.Errorf("approver %s: the channel is a reply topic", approver.Name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return approvers, nil
}

func parseApprover(line string) (incident.Approver, error) {
	parts := strings.Split(line, "|")
	if len(parts) != 4 {
		return incident.Approver{}, fmt.Errorf("approver %q: %d parts, want name|principal|reply topic|channel", incident.Line(line, 80), len(parts))
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	var problems []error
	for i, rule := range []struct {
		what    string
		pattern *regexp.Regexp
	}{
		{"name", approverName},
		{"principal, an IAM user's or role's ARN,", principalARN},
		{"reply topic", topicARN},
		{"channel", topicARN},
	} {
		if !rule.pattern.MatchString(parts[i]) {
			problems = append(problems, fmt.Errorf("approver %s: %s %q is not %s", incident.Line(parts[0], 64), rule.what, incident.Line(parts[i], 120), rule.pattern))
		}
	}
	return incident.Approver{Name: parts[0], Principal: parts[1], Topic: parts[2], Channel: parts[3]}, errors.Join(problems...)
}

func unique(what, value string, seen map[string]bool) error {
	folded := strings.ToLower(value)
	if value != "" && seen[folded] {
		return fmt.Errorf("%s %s is there twice", what, value)
	}
	seen[folded] = true
	return nil
}

// OwnerOf finds whose reply topic it is.
func OwnerOf(approvers []incident.Approver, topic string) (incident.Approver, bool) {
	for _, approver := range approvers {
		if approver.Topic == topic && topic != "" {
			return approver, true
		}
	}
	return incident.Approver{}, false
}

// Names of the approvers, in their order.
func Names(approvers []incident.Approver) []string {
	names := make([]string, len(approvers))
	for i, approver := range approvers {
		names[i] = approver.Name
	}
	return names
}
