// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

func bad(code, format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, code, format, args...)
}

// check is what CloudFront checks of a configuration before it accepts it. The lock is held.
func (s *Service) check(document *wirexml.Node, d *distribution) error {
	if document.Name != "DistributionConfig" {
		return bad("MalformedXML", "root element %s, want DistributionConfig", document.Name)
	}
	if err := counted(document); err != nil {
		return err
	}
	config, _ := shape.Value(document).(map[string]any)
	for _, step := range []func(map[string]any, *distribution) error{
		complete, sameReference, rootObject, behaviours, s.associations, errorPages, s.aliases, s.references,
	} {
		if err := step(config, d); err != nil {
			return err
		}
	}
	return nil
}

// counted checks every list: not empty where its element is there, and as long as Quantity says.
func counted(n *wirexml.Node) error {
	entries, quantity := n.Child("Items"), n.Child("Quantity")
	if entries != nil && len(entries.Children) == 0 {
		return bad("MalformedInput", "Unexpected list element termination")
	}
	if quantity != nil {
		want, err := strconv.Atoi(quantity.Text)
		if err != nil {
			return bad("MalformedInput", "Quantity of %s is not a number", n.Name)
		}
		if got := len(orEmpty(entries).Children); got != want {
			return bad("InconsistentQuantities", "The value of Quantity (%d) and the number of Items (%d) in %s do not match.", want, got, n.Name)
		}
	}
	for _, child := range n.Children {
		if err := entry(n, child); err != nil {
			return err
		}
		if err := counted(child); err != nil {
			return err
		}
	}
	return nil
}

// entry checks that a list's entries are called what they must be called.
func entry(parent, list *wirexml.Node) error {
	want, known := shape.Item[parent.Name]
	if list.Name != "Items" || !known {
		return nil
	}
	for _, e := range list.Children {
		if e.Name != want {
			return bad("MalformedInput", "Unexpected element %s in Items of %s, want %s", e.Name, parent.Name, want)
		}
	}
	return nil
}

func complete(config map[string]any, _ *distribution) error {
	for _, name := range []string{"CallerReference", "Origins", "DefaultCacheBehavior", "Comment", "Enabled"} {
		if _, ok := config[name]; !ok {
			return bad("InvalidArgument", "The parameter %s is required.", name)
		}
	}
	return nil
}

func sameReference(config map[string]any, d *distribution) error {
	if len(d.versions) > 0 && text(config, "CallerReference") != text(d.live().config, "CallerReference") {
		return bad("IllegalUpdate", "The update contains modifications that are not allowed.")
	}
	return nil
}

func rootObject(config map[string]any, _ *distribution) error {
	if strings.HasPrefix(text(config, "DefaultRootObject"), "/") {
		return bad("InvalidDefaultRootObject", "The default root object file name is too big or contains an invalid character.")
	}
	return nil
}

// allBehaviours are the default one and the others.
func allBehaviours(config map[string]any) []map[string]any {
	all := []map[string]any{object(config, "DefaultCacheBehavior")}
	for _, b := range items(config, "CacheBehaviors") {
		all = append(all, object(b))
	}
	return all
}

// behaviours checks that they point to origins or groups that exist, and groups to origins.
func behaviours(config map[string]any, _ *distribution) error {
	origins := idsOf(items(config, "Origins"), "Id")
	groups := items(config, "OriginGroups")
	for _, g := range groups {
		for _, id := range idsOf(items(g, "Members"), "OriginId") {
			if !slices.Contains(origins, id) {
				return noOrigin()
			}
		}
	}
	grouped := idsOf(groups, "Id")
	for _, b := range allBehaviours(config) {
		switch target := text(b, "TargetOriginId"); {
		case slices.Contains(grouped, target) && takesWrites(b):
			return bad("InvalidArgument", "The parameter AllowedMethods cannot include POST, PUT, PATCH, or DELETE for a cached behavior associated with an origin group.")
		case !slices.Contains(grouped, target) && !slices.Contains(origins, target):
			return noOrigin()
		}
	}
	return nil
}

// takesWrites says whether a behaviour allows methods for which CloudFront does not fail over.
func takesWrites(behaviour map[string]any) bool {
	return slices.ContainsFunc(items(behaviour, "AllowedMethods"), func(method any) bool {
		return slices.Contains([]any{"POST", "PUT", "PATCH", "DELETE"}, method)
	})
}

func noOrigin() error {
	return kernel.Errorf(http.StatusNotFound, "NoSuchOrigin", "One or more of your origins or origin groups do not exist.")
}

func idsOf(list []any, member string) []string {
	ids := make([]string, 0, len(list))
	for _, e := range list {
		ids = append(ids, text(object(e), member))
	}
	return ids
}

// associations checks each behaviour's edge functions.
func (s *Service) associations(config map[string]any, _ *distribution) error {
	for _, b := range allBehaviours(config) {
		functions, lambdas := items(b, "FunctionAssociations"), items(b, "LambdaFunctionAssociations")
		if err := s.functionAssociations(functions); err != nil {
			return err
		}
		if err := lambdaAssociations(lambdas); err != nil {
			return err
		}
		if len(functions) > 0 && slices.ContainsFunc(idsOf(lambdas, "EventType"), viewer) {
			return bad("InvalidFunctionAssociation", "A cache behavior can't have both a CloudFront function and a viewer-facing Lambda@Edge function.")
		}
	}
	return nil
}

func viewer(eventType string) bool { return strings.HasPrefix(eventType, "viewer-") }

func (s *Service) functionAssociations(list []any) error {
	events := idsOf(list, "EventType")
	if repeated(events) || slices.ContainsFunc(events, func(e string) bool { return e != "viewer-request" && e != "viewer-response" }) {
		return bad("InvalidFunctionAssociation", "A function association's event type is invalid or used twice.")
	}
	for _, arn := range idsOf(list, "FunctionARN") {
		name := arn[strings.LastIndex(arn, "/")+1:]
		f := s.functions[name]
		if len(s.functions) > 0 && (f == nil || f.live == nil) {
			return bad("InvalidFunctionAssociation", "The function %s does not exist or is not published.", name)
		}
	}
	return nil
}

// lambdaEvents are where Lambda@Edge may run.
var lambdaEvents = []string{"viewer-request", "viewer-response", "origin-request", "origin-response"}

func lambdaAssociations(list []any) error {
	events := idsOf(list, "EventType")
	if repeated(events) || slices.ContainsFunc(events, func(e string) bool { return !slices.Contains(lambdaEvents, e) }) {
		return bad("InvalidLambdaFunctionAssociation", "A Lambda function association's event type is invalid or used twice.")
	}
	for _, arn := range idsOf(list, "LambdaFunctionARN") {
		parts := strings.Split(arn, ":")
		if len(parts) != 8 || parts[3] != "us-east-1" {
			return bad("InvalidLambdaFunctionAssociation", "The function ARN must reference a specific function version in us-east-1: %s", arn)
		}
		if _, err := strconv.Atoi(parts[7]); err != nil {
			return bad("InvalidLambdaFunctionAssociation", "The function ARN must reference a specific function version. (The ARN must end with the version number.) ARN: %s", arn)
		}
	}
	return nil
}

func repeated(list []string) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) != len(list)
}

// What custom error responses may answer to, and with (CloudFront guide, "Configure error response behavior").
var (
	errorCodes    = strings.Fields("400 403 404 405 414 416 500 501 502 503 504")
	responseCodes = strings.Fields("200 400 403 404 405 414 416 500 501 502 503 504")
)

func errorPages(config map[string]any, _ *distribution) error {
	list := items(config, "CustomErrorResponses")
	if repeated(idsOf(list, "ErrorCode")) {
		return bad("InvalidErrorCode", "An error code has more than one custom error response.")
	}
	for _, e := range list {
		page, code := text(object(e), "ResponsePagePath"), text(object(e), "ResponseCode")
		switch {
		case !slices.Contains(errorCodes, text(object(e), "ErrorCode")):
			return bad("InvalidErrorCode", "An invalid error code was specified.")
		case (page == "") != (code == ""):
			return bad("InvalidArgument", "ResponsePagePath and ResponseCode must be given together.")
		case code != "" && !slices.Contains(responseCodes, code):
			return bad("InvalidResponseCode", "A response code is not valid.")
		case page != "" && !strings.HasPrefix(page, "/"):
			return bad("InvalidArgument", "The response page path must begin with a slash.")
		}
	}
	return nil
}

func (s *Service) aliases(config map[string]any, d *distribution) error {
	for _, alias := range items(config, "Aliases") {
		for id, other := range s.distributions {
			if id != d.id && slices.Contains(items(other.live().config, "Aliases"), alias) {
				return kernel.Errorf(http.StatusConflict, "CNAMEAlreadyExists", "One or more of the CNAMEs you provided are already associated with a different resource.")
			}
		}
	}
	return nil
}

// references checks what the configuration points to, where a scenario has said that it is gone.
func (s *Service) references(config map[string]any, _ *distribution) error {
	for key, r := range s.resources {
		if r.gone && kinds[key.kind].member != "" && holds(config, kinds[key.kind].member, key.id) {
			return kernel.Errorf(http.StatusNotFound, kinds[key.kind].missing, "The specified %s does not exist.", key.kind)
		}
	}
	return nil
}
