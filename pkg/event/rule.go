// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"slices"
	"strings"

	"cloudfront503/pkg/pattern"
)

// ruleToken is a quoted name, a bracket or comma, or a run of anything else without blanks.
var ruleToken = pattern.Lazily(`"(?:[^"\\]|\\.)*"|[(),]|[^\s(),"]+`)

// ruleWords are the words of a composite's rule that are no names.
var ruleWords = []string{"ALARM", "OK", "INSUFFICIENT_DATA", "AND", "OR", "NOT", "TRUE", "FALSE", "AT_LEAST"}

// ruleChildren are the names or ARNs in a composite's rule, each once, in their order.
//
//	ALARM(errors) AND NOT OK("quoted name") OR AT_LEAST(2, ALARM, (a, b, arn:aws:cloudwatch:us-east-1:111122223333:alarm:c))
//
// Source: CloudWatch API Reference, PutCompositeAlarm, AlarmRule.
func ruleChildren(rule string) []string {
	tokens := ruleToken().FindAllString(rule, -1)
	var names []string
	for i := range tokens {
		if name := childName(tokens, i); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// childName is the name that the i-th token is, or empty for a word, a bracket or AT_LEAST's number.
func childName(tokens []string, i int) string {
	token := tokens[i]
	switch {
	case strings.HasPrefix(token, `"`):
		return unquote(token)
	case slices.Contains([]string{"(", ")", ","}, token):
		return ""
	case i >= 2 && tokens[i-1] == "(" && tokens[i-2] == "AT_LEAST":
		return ""
	case i >= 2 && tokens[i-1] == "(" && slices.Contains(ruleWords[:3], tokens[i-2]):
		return tidyARN(token)
	case slices.Contains(ruleWords, strings.ToUpper(token)):
		return ""
	}
	return tidyARN(token)
}

func unquote(token string) string {
	inner := strings.TrimSuffix(strings.TrimPrefix(token, `"`), `"`)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(inner)
}
