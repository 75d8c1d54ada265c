// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"slices"
	"strconv"
)

// Origin is one place that CloudFront fetches from.
type Origin struct {
	ID          string
	DomainName  string
	Path        string // OriginPath
	Kind        Kind
	VPCOriginID string
	Shield      bool   // Origin Shield is on
	AccessID    string // OriginAccessControlId
	ClientCert  string // OriginMtlsConfig's client certificate ARN: the origin wants mutual TLS
}

// Behavior is one cache behaviour: which requests it takes, where they go, and which edge functions run.
type Behavior struct {
	PathPattern    string // "*" for the default one
	Default        bool
	TargetOriginID string // an origin's or an origin group's id
	CachePolicyID  string
	Methods        []string      // AllowedMethods, sorted
	Lambda         []Association // Lambda@Edge, by event type
	Functions      []Association // CloudFront Functions, by event type
}

// Association is an edge function that runs at an event of a behaviour.
type Association struct {
	EventType string // viewer-request, viewer-response, origin-request, origin-response
	ARN       string
}

// OriginGroup is a primary origin and the one that CloudFront fails over to.
type OriginGroup struct {
	ID          string
	Members     []string // origin ids, the primary first
	StatusCodes []int    // that make CloudFront fail over
}

// CustomErrorResponse is what viewers get in place of an error.
type CustomErrorResponse struct {
	ErrorCode    int    // the status it answers to
	ResponseCode int    // the status that viewers get; 0: the same
	PagePath     string // the page that viewers get; empty: none
	MinTTL       int    // seconds for which the error is cached
}

// Logging is where standard logs of the older kind go.
type Logging struct {
	Enabled bool
	Bucket  string
	Prefix  string
}

// Aliases are the alternate domain names, sorted.
func (c Config) Aliases() []string { return texts(items(c.tree, "Aliases")) }

// Origins are the origins, sorted by id.
func (c Config) Origins() []Origin {
	var out []Origin
	for _, element := range items(c.tree, "Origins") {
		out = append(out, originOf(object(element)))
	}
	return out
}

func originOf(o map[string]any) Origin {
	vpc := object(o["VpcOriginConfig"])
	origin := Origin{
		ID: text(o["Id"]), DomainName: text(o["DomainName"]), Path: text(o["OriginPath"]),
		VPCOriginID: text(vpc["VpcOriginId"]), AccessID: text(o["OriginAccessControlId"]),
		Shield: isTrue(object(o["OriginShield"])["Enabled"]),
		// OriginMtlsConfig stands under CustomOriginConfig in the API model of 2026.
		ClientCert: text(object(object(o["CustomOriginConfig"])["OriginMtlsConfig"])["ClientCertificateArn"]),
	}
	origin.Kind = KindOf(origin.DomainName)
	if len(vpc) > 0 {
		origin.Kind = KindVPC
	}
	return origin
}

// Origin is the origin with the id.
func (c Config) Origin(id string) (Origin, bool) {
	for _, origin := range c.Origins() {
		if origin.ID == id {
			return origin, true
		}
	}
	return Origin{}, false
}

// Behaviors are the cache behaviours in the order in which CloudFront tries them, the default one last.
func (c Config) Behaviors() []Behavior {
	var out []Behavior
	for _, element := range items(c.tree, "CacheBehaviors") {
		out = append(out, behaviorOf(object(element)))
	}
	if byDefault := object(c.tree["DefaultCacheBehavior"]); len(byDefault) > 0 {
		behavior := behaviorOf(byDefault)
		behavior.PathPattern, behavior.Default = "*", true
		out = append(out, behavior)
	}
	return out
}

func behaviorOf(b map[string]any) Behavior {
	return Behavior{
		PathPattern: text(b["PathPattern"]), TargetOriginID: text(b["TargetOriginId"]), CachePolicyID: text(b["CachePolicyId"]),
		Methods:   texts(items(b, "AllowedMethods")),
		Lambda:    associations(items(b, "LambdaFunctionAssociations"), "LambdaFunctionARN"),
		Functions: associations(items(b, "FunctionAssociations"), "FunctionARN"),
	}
}

// Path is where the behaviour stands in the configuration.
func (b Behavior) Path() string {
	if b.Default {
		return "DefaultCacheBehavior"
	}
	return ElementPath("CacheBehaviors", b.PathPattern)
}

// LambdaPath is where the behaviour's Lambda@Edge association at an event stands in the configuration.
func (b Behavior) LambdaPath(eventType string) string {
	return joinElement(b.Path()+"/LambdaFunctionAssociations/"+itemsKey, identities["LambdaFunctionAssociations"].key+"="+eventType)
}

// Writes reports whether the behaviour takes requests that change something: for these CloudFront never fails over, and it
// takes no origin group for such a behaviour.
func (b Behavior) Writes() bool {
	return slices.ContainsFunc(b.Methods, func(m string) bool { return slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, m) })
}

func associations(list []any, arn string) []Association {
	var out []Association
	for _, element := range list {
		o := object(element)
		out = append(out, Association{EventType: text(o["EventType"]), ARN: text(o[arn])})
	}
	return out
}

// OriginGroups are the origin groups, sorted by id.
func (c Config) OriginGroups() []OriginGroup {
	var out []OriginGroup
	for _, element := range items(c.tree, "OriginGroups") {
		o := object(element)
		group := OriginGroup{ID: text(o["Id"])}
		for _, member := range items(o, "Members") {
			group.Members = append(group.Members, text(object(member)["OriginId"]))
		}
		for _, code := range items(object(o["FailoverCriteria"]), "StatusCodes") {
			group.StatusCodes = append(group.StatusCodes, number(code))
		}
		out = append(out, group)
	}
	return out
}

// CustomErrorResponses are the custom error responses, sorted by error code.
func (c Config) CustomErrorResponses() []CustomErrorResponse {
	var out []CustomErrorResponse
	for _, element := range items(c.tree, "CustomErrorResponses") {
		o := object(element)
		out = append(out, CustomErrorResponse{
			ErrorCode: number(o["ErrorCode"]), ResponseCode: number(o["ResponseCode"]),
			PagePath: text(o["ResponsePagePath"]), MinTTL: number(o["ErrorCachingMinTTL"]),
		})
	}
	return out
}

// Logging is the legacy standard logging; logging of the second version is no part of the configuration.
func (c Config) Logging() Logging {
	o := object(c.tree["Logging"])
	return Logging{Enabled: isTrue(o["Enabled"]), Bucket: text(o["Bucket"]), Prefix: text(o["Prefix"])}
}

// WebACL is the web ACL's ARN (or its id, for WAF Classic), empty without one.
func (c Config) WebACL() string { return text(c.tree["WebACLId"]) }

// Staging reports whether this is the staging distribution of a continuous deployment.
func (c Config) Staging() bool { return isTrue(c.tree["Staging"]) }

// Enabled reports whether the distribution answers viewers.
func (c Config) Enabled() bool { return isTrue(c.tree["Enabled"]) }

// ContinuousDeploymentPolicyID is the attached continuous deployment policy, empty without one.
func (c Config) ContinuousDeploymentPolicyID() string {
	return text(c.tree["ContinuousDeploymentPolicyId"])
}

// ConnectionMode is "direct" or "tenant-only"; a configuration that does not say is direct.
func (c Config) ConnectionMode() string {
	if mode := text(c.tree["ConnectionMode"]); mode != "" {
		return mode
	}
	return "direct"
}

// TenantOnly reports whether the distribution is the template of a multi-tenant one: each change of it touches all tenants.
func (c Config) TenantOnly() bool { return c.ConnectionMode() == "tenant-only" }

// DefaultRootObject is the object that a request of "/" gets, empty without one.
func (c Config) DefaultRootObject() string { return text(c.tree["DefaultRootObject"]) }

// The readers below give the zero value for whatever has another form than the API's.

func object(value any) map[string]any { o, _ := value.(map[string]any); return o }

func items(o map[string]any, field string) []any {
	list, _ := object(o[field])[itemsKey].([]any)
	return list
}

func texts(list []any) []string {
	var out []string
	for _, value := range list {
		out = append(out, scalarText(value))
	}
	return out
}

func text(value any) string { s, _ := value.(string); return s }

func isTrue(value any) bool { b, _ := value.(bool); return b }

// number reads a whole number or, as ResponseCode is written, its text.
func number(value any) int {
	n, err := strconv.Atoi(scalarText(value))
	if err != nil {
		return 0
	}
	return n
}
