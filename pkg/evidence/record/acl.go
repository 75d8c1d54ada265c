// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"cloudfront503/pkg/incident"
)

// mostRules bounds how many rules of a web ACL are taken: AWS lets one have about 1,500 at most, most have a dozen.
const mostRules = 2000

// wafAction is a rule's action, or the default one; only a block answers with a status of its owner's [AWS WAF "Custom responses"].
type wafAction struct {
	Block *struct {
		CustomResponse *struct{ ResponseCode loose }
	}
}

func (a wafAction) status() int {
	if a.Block == nil || a.Block.CustomResponse == nil {
		return 0
	}
	return int(a.Block.CustomResponse.ResponseCode.number())
}

// webACL is a web ACL as `aws wafv2 get-web-acl-for-resource` prints it. A rule that is a group has an OverrideAction, and
// what its own rules answer is not told.
type webACL struct {
	Name, ARN     string
	DefaultAction wafAction
	Rules         []struct {
		Name           string
		Action         wafAction
		OverrideAction json.RawMessage
	}
}

// webACLs reads which web ACL stands before each resource of a Region that was asked about.
func (r *reader) webACLs(region string, content []byte) error {
	return members(content, map[string]func(json.RawMessage) error{
		"Resources": into(func(resources map[string]*webACL) {
			for _, resource := range slices.Sorted(maps.Keys(resources)) {
				r.ev.WebACLs = append(r.ev.WebACLs, protection(region, resource, resources[resource]))
			}
		}),
	})
}

// protection is what a web ACL can answer in a resource's place; of nil, nothing.
func protection(region, resource string, acl *webACL) incident.WebACL {
	out := incident.WebACL{Region: region, Resource: incident.Line(resource, 300)}
	if acl == nil {
		return out
	}
	out.ARN, out.Name = incident.Line(acl.ARN, 300), incident.Line(acl.Name, 128)
	for i, rule := range acl.Rules[:min(len(acl.Rules), mostRules)] {
		if rule.Action.status() == 503 {
			out.Answers503 = append(out.Answers503, orNumber(rule.Name, i))
		}
		out.Groups = out.Groups || len(rule.OverrideAction) > 0 && string(rule.OverrideAction) != "null"
	}
	if acl.DefaultAction.status() == 503 {
		out.Answers503 = append(out.Answers503, "the default action")
	}
	return out
}

func orNumber(name string, i int) string {
	if name == "" {
		return fmt.Sprintf("number %d", i+1)
	}
	return incident.Line(name, 128)
}
