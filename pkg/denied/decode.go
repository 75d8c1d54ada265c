// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import (
	"context"
	"encoding/json"
	"fmt"
)

// longestEncoded is the longest message that STS decodes.
const longestEncoded = 10240

type decoder interface {
	// DecodeAuthorizationMessage is sts:DecodeAuthorizationMessage: the DecodedMessage, a JSON text.
	DecodeAuthorizationMessage(ctx context.Context, encoded string) (decoded string, err error)
}

// verdict is the decoded message, as far as it matters [STS DecodeAuthorizationMessage]:
//
//	{"allowed":false,"explicitDeny":false,"matchedStatements":{"items":[]},"failures":{"items":[]},
//	 "context":{"principal":{"id":"AIDA…","name":"ana","arn":"arn:…"},"action":"ec2:StopInstances","resource":"arn:…","conditions":{…}}}
type verdict struct {
	ExplicitDeny *bool `json:"explicitDeny"`
	Context      struct {
		Principal struct {
			ARN string `json:"arn"`
		} `json:"principal"`
		Action   string `json:"action"`
		Resource string `json:"resource"`
	} `json:"context"`
}

// Decode completes an explanation whose message is encoded; others are given back as they are. It must run in the account
// that was denied. The decoded text does not say which kind of policy denied, but whether explicitly.
func (e Explanation) Decode(ctx context.Context, sts decoder) (Explanation, error) {
	if e.Encoded == "" {
		return e, nil
	}
	if len(e.Encoded) > longestEncoded {
		return e, fmt.Errorf("decode authorization message: %d characters, more than %d", len(e.Encoded), longestEncoded)
	}
	text, err := sts.DecodeAuthorizationMessage(ctx, e.Encoded)
	if err != nil {
		return e, fmt.Errorf("decode authorization message: %w", err)
	}
	return e.complete(text)
}

func (e Explanation) complete(decoded string) (Explanation, error) {
	var v verdict
	if err := json.Unmarshal([]byte(decoded), &v); err != nil {
		return e, fmt.Errorf("decoded authorization message: %w", err)
	}
	if e.How == Undecided && v.ExplicitDeny != nil {
		e.How = Missing
		if *v.ExplicitDeny {
			e.How = Explicit
		}
	}
	for _, fill := range []struct {
		member *string
		value  string
	}{{&e.Principal, v.Context.Principal.ARN}, {&e.Action, v.Context.Action}, {&e.Resource, v.Context.Resource}} {
		if *fill.member == "" {
			*fill.member = fill.value
		}
	}
	return e, nil
}
