// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"encoding/json"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// pointers are the members of a DistributionConfig, at whatever depth, whose text names something.
var pointers = map[string]string{
	"CachePolicyId": incident.PointedCache, "OriginRequestPolicyId": incident.PointedRequest, "ResponseHeadersPolicyId": incident.PointedResponse,
	"OriginAccessControlId": incident.PointedAccess, "VpcOriginId": incident.PointedVPC, "ContinuousDeploymentPolicyId": incident.PointedDeployment,
	"WebACLId": incident.PointedWebACL, "LambdaFunctionARN": incident.PointedLambda, "FunctionARN": incident.PointedFunction,
}

// targetsOf is everything that a configuration points to and is worth keeping, each once; nothing where it cannot be read.
func targetsOf(config json.RawMessage) []target {
	var tree any
	if json.Unmarshal(config, &tree) != nil {
		return nil
	}
	var found []target
	walk(tree, func(name string, value any) {
		if kind, id := pointers[name], textOf(value); kind != "" && id != "" {
			found = append(found, expand(kind, id)...)
		}
		if name == "TrustedKeyGroups" {
			found = append(found, keyGroups(value)...)
		}
	})
	slices.SortFunc(found, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(found)
}

// walk visits every member of every object.
func walk(value any, visit func(name string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			visit(name, member)
			walk(member, visit)
		}
	case []any:
		for _, entry := range v {
			walk(entry, visit)
		}
	}
}

func textOf(value any) string { text, _ := value.(string); return text }

// expand names both stages of a CloudFront Function: what is published first overwrites DEVELOPMENT.
func expand(kind, id string) []target {
	if kind != incident.PointedFunction {
		return []target{{kind: kind, id: id}}
	}
	name := id[strings.LastIndex(id, "/")+1:]
	return []target{{kind, name, incident.StageDevelopment}, {kind, name, incident.StageLive}}
}

func keyGroups(value any) []target {
	groups, _ := value.(map[string]any)
	list, _ := groups["Items"].([]any)
	var found []target
	for _, id := range list {
		if textOf(id) != "" {
			found = append(found, target{kind: incident.PointedKeyGroup, id: textOf(id)})
		}
	}
	return found
}
