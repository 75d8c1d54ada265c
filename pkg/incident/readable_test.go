// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"cloudfront503/pkg/incident"
)

func TestALineIsOneLineOfPrintableText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		n              int
	}{
		{"plain", "as it is", "as it is", 20},
		{"line breaks and tabs", "a\r\n\tb\u2028c", "a b c", 20},
		{"escapes of a terminal and turned text", "a\x1b[31mb\u202ec\u200bd", "a [31mb c d", 20},
		{"not UTF-8", "a\xffb", "a b", 20},
		{"cut", strings.Repeat("é", 30), strings.Repeat("é", 7) + "...", 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := incident.Line(test.in, test.n); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAFieldIsReadableWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, from, to, wantFrom, wantTo string
	}{
		{"a number", "CustomErrorResponses/Items/[ErrorCode=404]/ErrorCachingMinTTL", `10`, `300`, `10`, `300`},
		{"a field that appears", "WebACLId", ``, `"arn:aws:wafv2:us-east-1:111122223333:global/webacl/edge/0b2f6a1c-11aa-22bb-33cc-0123456789ab"`, incident.Absent,
			`"arn:aws:wafv2:us-east-1:111122223333:global/webacl/edge/0b2f6a1c-11aa-22bb-33cc-0123456789ab"`},
		{"a custom header's value", "Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X-Verify]/HeaderValue", `"hunter2"`, `"hunter3"`, "(masked)", "(masked)"},
		{"a header inside an origin", "Origins/Items/[Id=web]", `{"CustomHeaders":{"Items":[{"HeaderName":"X-Verify","HeaderValue":"hunter2"}]},"Id":"web"}`, ``,
			`{"CustomHeaders":{"Items":[{"HeaderName":"X-Verify","HeaderValue":"(masked)"}]},"Id":"web"}`, incident.Absent},
		{"a password in a comment", "Comment", `"shop, password=hunter2 (ask ops)"`, `"shop"`, `"shop, (masked) (ask ops)"`, `"shop"`},
		{"a long key in a comment", "Comment", `"k 9aF3kLq0Zx7Bv2Nm5Tp8Rw1Yc4Ud6Hg0"`, `"wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"`, `"k (masked, 32 characters)"`, `"(masked, 38 characters)"`},
		{"an identifier of AWS is no secret", "DefaultCacheBehavior/CachePolicyId", `"658327ea-f89d-4fab-a63d-7e88639e58f6"`, `"E2QWRUHEXAMPLE"`, `"658327ea-f89d-4fab-a63d-7e88639e58f6"`, `"E2QWRUHEXAMPLE"`},
		{"a load balancer's name is no secret", "Origins/Items/[Id=web]/DomainName", `"internal-shop-production-frontend-1234567890.eu-west-1.elb.amazonaws.com"`, `"shop.example.com"`,
			`"internal-shop-production-frontend-1234567890.eu-west-1.elb.amazonaws.com"`, `"shop.example.com"`},
		{"a key in a bucket is no secret", "Comment", `"snapshots/E2EXAMPLE/20261124T034151Z-E2QWRUHEXAMPLE.config.json"`, `"CustomErrorResponses/Items/ErrorCachingMinTTL"`,
			`"snapshots/E2EXAMPLE/20261124T034151Z-E2QWRUHEXAMPLE.config.json"`, `"CustomErrorResponses/Items/ErrorCachingMinTTL"`},
		{"damaged", "Comment", `"open`, `1`, "(not readable)", "1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			change := incident.FieldChange{Path: test.path, From: json.RawMessage(test.from), To: json.RawMessage(test.to)}
			if from, to := change.Readable(); from != test.wantFrom || to != test.wantTo {
				t.Errorf("got %s -> %s", from, to)
			}
		})
	}
}

func TestTextLosesKeysTokensAndPasswords(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def_ghi", "-----BEGIN PRIVATE KEY-----\nMIIE",
		"https://user:hunter2@origin.example.com/", "Authorization: Bearer abcdef", "api_key=abcdef", "X-Amz-Signature=0a1b2c3d4e5f",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
	} {
		if got := incident.MaskText("before " + secret); !strings.HasPrefix(got, "before ") || !strings.Contains(got, "(masked") {
			t.Errorf("%q became %q", secret, got)
		}
	}
}

func FuzzReadableIsOneShortLine(f *testing.F) {
	f.Add("Comment", []byte(`"a\nb"`), []byte(`{"a":[1,2,{"HeaderValue":"x"}]}`))
	f.Fuzz(func(t *testing.T, path string, from, to []byte) {
		a, b := incident.FieldChange{Path: path, From: from, To: to}.Readable()
		for _, text := range []string{a, b} {
			if strings.ContainsAny(text, "\n\r\x1b") || !utf8.ValidString(text) || utf8.RuneCountInString(text) > 160 {
				t.Errorf("%q", text)
			}
		}
	})
}
