// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// How long an edge keeps an origin's error, in seconds.
const (
	defaultErrorTTL = 10 // where the configuration says nothing [CloudFront guide, "How CloudFront caches errors"]
	longErrorTTL    = 60 // for an origin that has too much to do: six times fewer requests for what fails
	shortErrorTTL   = 10 // for an origin that is well again: no shorter than CloudFront's own, as it may not hold
)

// shieldRegions are the Regions of Origin Shield, by the origin's Region: the same one, or the one that AWS recommends
// where there is none [CloudFront guide, "Choose the AWS Region for Origin Shield"].
var shieldRegions = map[string]string{
	"us-east-1": "us-east-1", "us-east-2": "us-east-2", "us-west-2": "us-west-2", "ap-south-1": "ap-south-1",
	"ap-northeast-1": "ap-northeast-1", "ap-northeast-2": "ap-northeast-2", "ap-southeast-1": "ap-southeast-1",
	"ap-southeast-2": "ap-southeast-2", "eu-central-1": "eu-central-1", "eu-west-1": "eu-west-1", "eu-west-2": "eu-west-2",
	"sa-east-1": "sa-east-1",
	"us-west-1": "us-west-2", "af-south-1": "eu-west-1", "ap-east-1": "ap-southeast-1", "ca-central-1": "us-east-1",
	"eu-south-1": "eu-central-1", "eu-west-3": "eu-west-2", "eu-north-1": "eu-west-2", "me-south-1": "ap-south-1",
}

// cachingDisabled is the managed cache policy under which neither objects nor errors are cached.
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

// proposeProtect takes load off an origin that has too much to do, or lets the error of one that is well again go sooner:
// opposite actions, so that the cause decides.
func proposeProtect(diagnosis incident.Diagnosis, in Inputs, prepared Prepared) (*incident.Recipe, error) {
	questioned := in.questioned(diagnosis.Detail)
	cached := slices.ContainsFunc(questioned, func(b distribution.Behavior) bool { return b.CachePolicyID != cachingDisabled })
	if !cached {
		return nil, refuse("nothing is cached at the behaviours that fail, so neither are errors")
	}
	ttl := in.errorTTL()
	if diagnosis.Verdict.Cause == incident.Replayed503 {
		if ttl <= shortErrorTTL {
			return nil, refuse("errors are cached for %d seconds, which is short already: what is replayed was cached for so long by the origin's own headers", ttl)
		}
		return &incident.Recipe{Protect: &incident.ProtectRecipe{ErrorCode: unavailable, ErrorTTL: shortErrorTTL}}, nil
	}
	var recipe incident.ProtectRecipe
	if ttl < longErrorTTL {
		recipe.ErrorCode, recipe.ErrorTTL = unavailable, longErrorTTL
	}
	if diagnosis.Verdict.Cause == incident.S3SlowDown && (!in.FlatRate || prepared.Premium) {
		in.shield(&recipe, questioned, diagnosis.Detail)
	}
	if recipe == (incident.ProtectRecipe{}) {
		return nil, refuse("errors are cached for %d seconds already, and Origin Shield is on or would not help", ttl)
	}
	return &incident.Recipe{Protect: &recipe}, nil
}

// shield adds Origin Shield, where one origin fails whose Region is known and that has none yet. It is for buckets alone:
// its caches begin empty, and a bucket bears that.
func (in Inputs) shield(recipe *incident.ProtectRecipe, questioned []distribution.Behavior, detail incident.Detail) {
	id, err := in.failing(questioned, detail)
	if err != nil {
		return
	}
	origin, _ := in.Theirs.Origin(id)
	if region, has := shieldRegions[distribution.RegionOf(origin.DomainName)]; has && !origin.Shield {
		recipe.Origin, recipe.ShieldRegion = id, region
	}
}

// errorTTL is for how many seconds a 503 of an origin is kept.
func (in Inputs) errorTTL() int {
	for _, response := range in.Theirs.CustomErrorResponses() {
		if response.ErrorCode == unavailable && in.Theirs.Value(errorPath(unavailable)+"/"+minTTL) != nil {
			return response.MinTTL
		}
	}
	return defaultErrorTTL
}

const minTTL = "ErrorCachingMinTTL"

func errorPath(code int) string {
	return distribution.ElementPath("CustomErrorResponses", strconv.Itoa(code))
}

// protectOrigin computes the change of a recipe.
func protectOrigin(plan incident.Plan, _ incident.Diagnosis, in Inputs) (Change, error) {
	if plan.Recipe == nil || plan.Recipe.Protect == nil {
		return Change{}, refuse("the plan does not say how to protect the origin")
	}
	recipe := *plan.Recipe.Protect
	var wanted []incident.FieldChange
	if recipe.ErrorCode != 0 {
		if recipe.ErrorCode != unavailable || recipe.ErrorTTL != longErrorTTL && recipe.ErrorTTL != shortErrorTTL {
			return Change{}, refuse("caching %d for %d seconds protects nothing", recipe.ErrorCode, recipe.ErrorTTL)
		}
		wanted = append(wanted, in.cacheErrors(recipe))
	}
	if recipe.Origin != "" {
		if !slices.Contains(slices.Collect(maps.Values(shieldRegions)), recipe.ShieldRegion) {
			return Change{}, refuse("Origin Shield does not exist in Region %q", recipe.ShieldRegion)
		}
		path := distribution.ElementPath("Origins", recipe.Origin) + "/OriginShield"
		wanted = append(wanted, incident.FieldChange{Path: path, From: in.Theirs.Value(path), To: asJSON(map[string]any{"Enabled": true, "OriginShieldRegion": recipe.ShieldRegion})})
	}
	return in.make(wanted, nil)
}

// cacheErrors sets how long the status is kept. A custom error response for it keeps its page; without one there comes one
// that has no page, in the form in which CloudFront gives it back.
func (in Inputs) cacheErrors(recipe incident.ProtectRecipe) incident.FieldChange {
	path, seconds := errorPath(recipe.ErrorCode), json.RawMessage(strconv.Itoa(recipe.ErrorTTL))
	if in.Theirs.Value(path) != nil {
		return incident.FieldChange{Path: path + "/" + minTTL, From: in.Theirs.Value(path + "/" + minTTL), To: seconds}
	}
	response := map[string]any{"ErrorCode": recipe.ErrorCode, minTTL: recipe.ErrorTTL, "ResponsePagePath": "", "ResponseCode": ""}
	if in.Theirs.Value("CustomErrorResponses") == nil {
		return incident.FieldChange{Path: "CustomErrorResponses", To: asJSON(list([]any{response}))}
	}
	return incident.FieldChange{Path: path, To: asJSON(response)}
}
