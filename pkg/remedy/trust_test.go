// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const (
	lambdaOnly = `{"Version":"2012-10-17","Statement":[{"Sid":"L","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustsBoth = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`
	deniesEdge = `{"Effect":"Deny","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:*"}`
	conditions = `{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}`
	otherRole  = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/deploy"},"Action":["sts:AssumeRole","sts:TagSession"]}`
)

func policyOf(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func TestATrustPolicyGainsWhatLambdaAtEdgeNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	edge := `{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"}}`
	both := `{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"]}}`
	for _, c := range []struct{ name, from, to, gains, refused string }{
		{name: "Lambda@Edge is missing", from: lambdaOnly, to: strings.TrimSuffix(lambdaOnly, "]}") + "," + edge + "]}", gains: "edgelambda.amazonaws.com"},
		{name: "both are missing", from: policyOf(otherRole), to: policyOf(otherRole + "," + both), gains: "lambda.amazonaws.com edgelambda.amazonaws.com"},
		{name: "a lone statement becomes a list", from: `{"Statement":` + otherRole + `,"Version":"2012-10-17"}`, to: `{"Statement":[` + otherRole + "," + both + `],"Version":"2012-10-17"}`, gains: "lambda.amazonaws.com edgelambda.amazonaws.com"},
		{name: "an action that is a pattern counts", from: policyOf(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"STS:Assume*"}`), gains: "edgelambda.amazonaws.com"},
		{name: "another action does not", from: policyOf(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:TagSession"}`), gains: "lambda.amazonaws.com edgelambda.amazonaws.com"},
		{name: "both are there", from: trustsBoth, refused: "already"},
		{name: "everybody is trusted", from: policyOf(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`), refused: "already"},
		{name: "the service is denied", from: policyOf(otherRole + "," + deniesEdge), refused: "denies edgelambda.amazonaws.com"},
		{name: "everybody but one is denied", from: policyOf(`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"*"}`), refused: "denies lambda.amazonaws.com"},
		{name: "conditions", from: policyOf(conditions), refused: "under conditions"},
		{name: "an unknown effect", from: policyOf(strings.Replace(conditions, "Allow", "allow", 1)), refused: "effect"},
		{name: "no JSON", from: "trust everybody", refused: "cannot be read"},
		{name: "no statement", from: `{"Version":"2012-10-17","Statement":[]}`, refused: "no statement"},
		{name: "a statement that is none", from: policyOf(`7`), refused: "no object"},
		{name: "two lists of statements", from: `{"Statement":[` + otherRole + `],"statement":[` + deniesEdge + `]}`, refused: "twice"},
		{name: "two effects", from: policyOf(`{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"*"}`), refused: "twice"},
		{name: "two services lists, deep inside", from: policyOf(`{"Effect":"Allow","Principal":{"Service":"a","Service":"lambda.amazonaws.com"},"Action":"*"}`), refused: "twice"},
		{name: "a member that is not IAM's", from: `{"Version":"2012-10-17","Grants":7,"Statement":[` + otherRole + `]}`, refused: "Grants"},
		{name: "text after the end", from: lambdaOnly + "{}", refused: "cannot be read"},
		{name: "too long", from: policyOf(strings.Replace(otherRole, `"Effect"`, `"Sid":"`+strings.Repeat("x", 4096)+`","Effect"`, 1)), refused: "characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, gains, err := GainTrust(c.from)
			if (c.refused == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Fatalf("%v, want %q", err, c.refused)
			}
			if strings.Join(gains, " ") != c.gains && err == nil || c.to != "" && to != c.to {
				t.Errorf("gains %v\n%s\n%s", gains, to, c.to)
			}
		})
	}
}

func TestOnlyAGainOfLambdaAtEdgePasses(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{
		"nothing":                lambdaOnly,
		"another service":        policyOf(`{"Sid":"L","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`),
		"another action":         policyOf(`{"Sid":"L","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:*"}`),
		"a statement is lost":    policyOf(`{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole"}`),
		"a statement is changed": policyOf(`{"Sid":"M","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole"}`),
		"the version is another": strings.Replace(strings.TrimSuffix(lambdaOnly, "]}"), "2012-10-17", "2008-10-17", 1) + `,{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		"two statements":         strings.TrimSuffix(lambdaOnly, "]}") + `,{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole"},` + otherRole + `]}`,
		"a second reading":       strings.TrimSuffix(lambdaOnly, "]}") + `,{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"principal":"*","Action":"sts:AssumeRole"}]}`,
		"no policy":              "{}",
	} {
		if OnlyGains(lambdaOnly, to) == nil {
			t.Errorf("%s passed", name)
		}
	}
}

func FuzzGainTrust(f *testing.F) {
	for _, seed := range []string{lambdaOnly, trustsBoth, policyOf(otherRole), policyOf(conditions), policyOf(deniesEdge), `{"Statement":{}}`, `{"Statement":[[]]}`, lambdaOnly + " }", `{"":null,"Statement":[{"Action":["[",7]}]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		to, gains, err := GainTrust(document)
		if err != nil {
			return
		}
		if len(gains) == 0 || slices.ContainsFunc(gains, func(service string) bool { return !slices.Contains(edgeServices, service) }) {
			t.Fatalf("gains %v", gains)
		}
		var before, after struct{ Statement any }
		if json.Unmarshal([]byte(document), &before) != nil || json.Unmarshal([]byte(to), &after) != nil {
			t.Fatalf("not readable:\n%s\n%s", document, to)
		}
		list, isList := before.Statement.([]any)
		if !isList {
			list = []any{before.Statement}
		}
		if fresh := after.Statement.([]any); len(fresh) != len(list)+1 {
			t.Errorf("%d statements became %d", len(list), len(fresh))
		}
		if again, _, err := GainTrust(to); err == nil {
			t.Errorf("it could gain again: %s", again)
		}
	})
}
