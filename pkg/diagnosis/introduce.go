// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"encoding/json"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// An UpdateDistribution is blamed for a part of the configuration only if it wrote that part and the part is new: the
// record holds the whole configuration, and so does the last known good one. Where neither tells, the call may have.

// writes says whether an UpdateDistribution's configuration may hold the text. A record that has no whole configuration
// tells nothing. part gives the same part of the last known good configuration; if that is as it is live, nothing was
// introduced.
func (v *view) writes(c incident.Call, text string, part func(distribution.Config) string) bool {
	if part != nil && v.hasBaseline && v.hasConfig && part(v.baseline) == part(v.config) {
		return false
	}
	if text == "" {
		return true
	}
	config := configOf(c)
	return config == nil || slices.Contains(stringsIn(config, ""), text)
}

// configOf is the configuration in a call's parameters, nil where it is not whole.
func configOf(c incident.Call) map[string]any {
	config, _ := c.Parameters["distributionConfig"].(map[string]any)
	if _, whole := config["defaultCacheBehavior"]; !whole {
		return nil
	}
	return config
}

func associates(v *view, c incident.Call, arns []string, of func(distribution.Behavior) []distribution.Association) bool {
	if !touchesDistribution(v, c) {
		return false
	}
	part := func(config distribution.Config) string {
		var out []string
		for _, b := range config.Behaviors() {
			for _, a := range of(b) {
				out = append(out, b.PathPattern+" "+a.EventType+" "+a.ARN)
			}
		}
		return strings.Join(out, ",")
	}
	return slices.ContainsFunc(arns, func(arn string) bool { return v.writes(c, arn, part) })
}

func associatesLambda(v *view, c incident.Call) bool {
	return associates(v, c, v.scope.associations(lambdaOf), lambdaOf)
}

func associatesFunction(v *view, c incident.Call) bool {
	return associates(v, c, v.scope.associations(functionOf), functionOf)
}

func associatesEither(v *view, c incident.Call) bool {
	return associatesLambda(v, c) || associatesFunction(v, c)
}

// introducesLambda wants proof that the association is new: for causes that come without any change as well.
func introducesLambda(v *view, c incident.Call) bool {
	return v.hasBaseline && associatesLambda(v, c) && configOf(c) != nil
}

// introducesOrigin wants proof that where requests go, or how they are cached, is new.
func introducesOrigin(v *view, c incident.Call) bool {
	part := func(config distribution.Config) string {
		var out []string
		for _, b := range config.Behaviors() {
			out = append(out, b.PathPattern, b.TargetOriginID, b.CachePolicyID)
		}
		for _, o := range config.Origins() {
			out = append(out, o.ID, o.DomainName, o.Path)
		}
		return strings.Join(out, " ")
	}
	return v.hasBaseline && touchesDistribution(v, c) && v.writes(c, "", part)
}

func introducesWebACL(v *view, c incident.Call) bool {
	part := func(config distribution.Config) string { return config.WebACL() }
	return v.config.WebACL() != "" && touchesDistribution(v, c) && v.writes(c, v.config.WebACL(), part) && (v.hasBaseline || configOf(c) != nil)
}

func introducesMTLS(v *view, c incident.Call) bool {
	return touchesDistribution(v, c) && slices.ContainsFunc(v.scope.origins, func(o distribution.Origin) bool {
		return v.client[o.ID] != "" && v.writes(c, v.client[o.ID], certificatesOf)
	})
}

// introducesErrorResponse looks into the record's own error responses: {"errorCode": 404, "responseCode": "503", …}.
func introducesErrorResponse(v *view, c incident.Call) bool {
	part := func(config distribution.Config) string { return fmtMappings(mappings(config)) }
	if !touchesDistribution(v, c) || !v.writes(c, "", part) {
		return false
	}
	config := configOf(c)
	if config == nil {
		return true
	}
	responses, _ := config["customErrorResponses"].(map[string]any)
	list, _ := responses["items"].([]any)
	return slices.ContainsFunc(list, func(element any) bool {
		response, _ := element.(map[string]any)
		text, err := json.Marshal(response["responseCode"])
		return err == nil && strings.Trim(string(text), `"`) == "503"
	})
}
