// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accessanalyzer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
)

func newClient(t *testing.T) (*kernel.World, *sdk.Client) {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return w, sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
	})
}

// trusting is a trust policy of statements.
func trusting(statements string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
}

func allow(principal, rest string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Principal":%s,"Action":"sts:AssumeRole"%s}`, principal, rest)
}

const (
	byLambda = `{"Service":"lambda.amazonaws.com"}`
	byEdge   = `{"Service":"edgelambda.amazonaws.com"}`
	byBoth   = `{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"]}`
	byRoot   = `{"AWS":"arn:aws:iam::444455556666:root"}`
	onlyOurs = `,"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}`
	noBob    = `{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"sts:AssumeRole"}`
)

func TestNewAccessIsWhatNoAllowCoveredBefore(t *testing.T) {
	w, client := newClient(t)
	for name, c := range map[string]struct {
		existing, fresh string
		want            types.CheckNoNewAccessResult
	}{
		"the same":                          {allow(byLambda, ""), allow(byLambda, ""), "PASS"},
		"another way to write the same":     {allow(byBoth, ""), allow(byLambda, "") + "," + allow(byEdge, ""), "PASS"},
		"less":                              {allow(byBoth, ""), allow(byEdge, ""), "PASS"},
		"a further service":                 {allow(byLambda, ""), allow(byBoth, ""), "FAIL"},
		"a further account":                 {allow(byBoth, ""), allow(byBoth, "") + "," + allow(byRoot, ""), "FAIL"},
		"everybody":                         {allow(byBoth, ""), allow(`"*"`, ""), "FAIL"},
		"a condition is dropped":            {allow(byLambda, onlyOurs), allow(byLambda, ""), "FAIL"},
		"a condition is added":              {allow(byLambda, ""), allow(byLambda, onlyOurs), "PASS"},
		"a further action":                  {allow(byLambda, ""), `{"Effect":"Allow","Principal":` + byLambda + `,"Action":"sts:*"}`, "FAIL"},
		"a narrower action":                 {`{"Effect":"Allow","Principal":` + byLambda + `,"Action":"sts:*"}`, allow(byLambda, ""), "PASS"},
		"a deny is dropped":                 {allow(byLambda, "") + "," + noBob, allow(byLambda, ""), "FAIL"},
		"a deny is added":                   {allow(byLambda, ""), allow(byLambda, "") + "," + noBob, "PASS"},
		"everybody but one, as before":      {notBob, notBob, "PASS"},
		"everybody but one, where none was": {allow(byLambda, ""), notBob, "FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.CheckNoNewAccess(t.Context(), &sdk.CheckNoNewAccessInput{
				ExistingPolicyDocument: trusting(c.existing), NewPolicyDocument: trusting(c.fresh), PolicyType: types.AccessCheckPolicyTypeResourcePolicy,
			})
			if err != nil {
				t.Fatal(err)
			}
			if out.Result != c.want || (len(out.Reasons) > 0) != (c.want == "FAIL") {
				t.Errorf("%s %+v, want %s", out.Result, out.Reasons, c.want)
			}
		})
	}
	if v := w.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

const notBob = `{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"sts:AssumeRole"}`

func TestFindingsOfATrustPolicy(t *testing.T) {
	_, client := newClient(t)
	for name, c := range map[string]struct {
		document *string
		want     string
	}{
		"in order":                        {trusting(allow(byBoth, "")), ""},
		"not JSON":                        {aws.String("{"), "ERROR"},
		"no principal":                    {trusting(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "ERROR"},
		"an action of S3":                 {trusting(`{"Effect":"Allow","Principal":` + byLambda + `,"Action":"s3:GetObject"}`), "ERROR"},
		"everybody":                       {trusting(allow(`"*"`, "")), "SECURITY_WARNING"},
		"everybody of ours":               {trusting(allow(`"*"`, onlyOurs)), ""},
		"a statement that is twice there": {trusting(allow(byLambda, "") + "," + allow(byLambda, "")), "SUGGESTION"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.ValidatePolicy(t.Context(), &sdk.ValidatePolicyInput{
				PolicyDocument: c.document, PolicyType: types.PolicyTypeResourcePolicy, ValidatePolicyResourceType: types.ValidatePolicyResourceTypeRoleTrust,
			})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(out.Findings) > 0 {
				got = string(out.Findings[0].FindingType)
			}
			if got != c.want || len(out.Findings) > 1 {
				t.Errorf("%+v, want %q", out.Findings, c.want)
			}
		})
	}
}

func TestWhatIsNoPolicyCannotBeCompared(t *testing.T) {
	_, client := newClient(t)
	_, err := client.CheckNoNewAccess(t.Context(), &sdk.CheckNoNewAccessInput{
		ExistingPolicyDocument: aws.String("{}"), NewPolicyDocument: trusting(allow(byLambda, "")), PolicyType: types.AccessCheckPolicyTypeResourcePolicy,
	})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnprocessableEntityException" {
		t.Error(err)
	}
}

func TestWhatIsNotKnownIsRefusedAndNoted(t *testing.T) {
	w, client := newClient(t)
	if _, err := client.ListAnalyzers(t.Context(), &sdk.ListAnalyzersInput{}); err == nil {
		t.Error("an unknown operation was answered")
	}
	if _, err := client.ValidatePolicy(t.Context(), &sdk.ValidatePolicyInput{PolicyDocument: trusting(""), PolicyType: types.PolicyTypeIdentityPolicy}); err == nil {
		t.Error("an identity policy was validated")
	}
	if n := len(w.Violations()); n != 2 {
		t.Errorf("%d violations: %v", n, w.Violations())
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{*trusting(allow(byBoth, onlyOurs)), *trusting(noBob), *trusting(notBob), `{"Statement":{"Principal":7}}`, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		statements, err := parse(raw)
		if err == nil && len(newAccess(statements, statements)) > 0 {
			t.Errorf("a policy allows more than itself: %s", raw)
		}
	})
}
