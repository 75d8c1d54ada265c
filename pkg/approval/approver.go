// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// MostApprovers is how many a gate takes [SSM "aws:approve"].
const MostApprovers = 10

// mostName is how many characters a name may have [STS AssumeRole]. A pattern that counts so far takes long to compile.
const mostName = 64

var (
	approverName = pattern.Lazily(`^[\w+=,.@-]{2,}$`) // of RoleSessionName and SourceIdentity [STS AssumeRole]
	principalARN = pattern.Lazily(`^arn:aws[a-z-]*:iam::[0-9]{12}:(?:user|role)/[\w+=,.@/-]+$`)
	circleNumber = pattern.Lazily(`^[1-9]$`)
	topicARN     = pattern.Lazily(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+$`)
)

// ParseApprovers reads the stack's approvers, one line each:
//
//	name|principal ARN|reply topic ARN|channel topic ARN|circle|phone
//
// where the circle, 1 to 9, may be left out and is 1 then, and the phone, a number as +14255550182, where texts from it
// decide nothing, as in
//
//	ana|arn:aws:iam::111122223333:user/ana|arn:aws:sns:us-east-1:111122223333:cf503-reply-1|arn:aws:sns:us-east-1:111122223333:cf503-channel-1
//
// Empty lines do not count. The error names every problem, not just the first. Names must differ in more than case, and none
// is incident.AsApproved. No two people may share a reply topic or a phone, because these are the identity; a channel may be
// shared.
func ParseApprovers(text string) ([]incident.Approver, error) {
	var approvers []incident.Approver
	var problems []error
	names, topics, phones := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		approver, err := parseApprover(line)
		problems = append(problems, err, unique("name", approver.Name, names), unique("reply topic", approver.Topic, topics), unique("phone", approver.Phone, phones))
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
	given := len(parts)
	if given == 4 {
		parts = append(parts, "1")
	}
	if len(parts) == 5 {
		parts = append(parts, "")
	}
	if len(parts) != 6 {
		return incident.Approver{}, fmt.Errorf("approver %q: %d parts, want name|principal|reply topic|channel|circle|phone", incident.Line(line, 80), given)
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	var problems []error
	for i, rule := range []struct {
		what    string
		pattern func() *regexp.Regexp
	}{
		{"name", approverName},
		{"principal, an IAM user's or role's ARN,", principalARN},
		{"reply topic", topicARN},
		{"channel", topicARN},
		{"circle", circleNumber},
	} {
		if !rule.pattern().MatchString(parts[i]) || i == 0 && len(parts[i]) > mostName {
			problems = append(problems, fmt.Errorf("approver %s: %s %q is not %s", incident.Line(parts[0], 64), rule.what, incident.Line(parts[i], 120), rule.pattern()))
		}
	}
	if strings.EqualFold(parts[0], incident.AsApproved) {
		problems = append(problems, fmt.Errorf("approver %s: the name is this software's own", parts[0]))
	}
	if phone := parts[5]; phone != "" && !isPhone(phone) {
		problems = append(problems, fmt.Errorf("approver %s: the phone %s is no number with + and its country", incident.Line(parts[0], 64), incident.MaskNumber(incident.Line(phone, 20))))
	}
	return incident.Approver{Name: parts[0], Principal: parts[1], Topic: parts[2], Channel: parts[3], Circle: number(parts[4]), Phone: parts[5]}, errors.Join(problems...)
}

// number is a circle's, of one digit.
func number(digit string) int {
	n, _ := strconv.Atoi(digit) // compared with its pattern
	return n
}

// isPhone says whether a text is a number of E.164: a plus sign, then 7 to 15 digits that do not begin with 0.
func isPhone(text string) bool {
	digits, plus := strings.CutPrefix(text, "+")
	return plus && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

func unique(what, value string, seen map[string]bool) error {
	folded := strings.ToLower(value)
	if value != "" && seen[folded] {
		if what == "phone" {
			value = incident.MaskNumber(value)
		}
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

// OwnerOfPhone finds whose phone it is.
func OwnerOfPhone(approvers []incident.Approver, phone string) (incident.Approver, bool) {
	for _, approver := range approvers {
		if approver.Phone == phone && phone != "" {
			return approver, true
		}
	}
	return incident.Approver{}, false
}

// Circles are the names of the approvers in the order in which they are asked. Circles that have nobody are left out, so
// that the first always has somebody.
func Circles(approvers []incident.Approver) [][]string {
	by := map[int][]string{}
	for _, approver := range approvers {
		by[approver.Circle] = append(by[approver.Circle], approver.Name)
	}
	var circles [][]string
	for _, circle := range slices.Sorted(maps.Keys(by)) {
		circles = append(circles, by[circle])
	}
	return circles
}

// Others are the approvers but for the one who asked, given as sts:GetCallerIdentity gives it: the ARN of a user, or of a
// role's session. Whoever has the approver's name in any user's or session's ARN is taken for the approver: that shuts out
// too many rather than one too few.
func Others(approvers []incident.Approver, asker string) []incident.Approver {
	return slices.DeleteFunc(slices.Clone(approvers), func(a incident.Approver) bool {
		name := asker[strings.LastIndex(asker, "/")+1:]
		return asker != "" && (asker == a.Principal || strings.EqualFold(name, a.Name))
	})
}

// Names of the approvers, in their order.
func Names(approvers []incident.Approver) []string {
	names := make([]string, len(approvers))
	for i, approver := range approvers {
		names[i] = approver.Name
	}
	return names
}
