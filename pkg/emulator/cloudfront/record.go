// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

const eventSource = "cloudfront.amazonaws.com"

// hidden stands where CloudTrail does not show a comment.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// record tells CloudTrail about a write, done or refused.
func (s *Service) record(q *request, answer reply, err error) {
	if !q.op.write || s.world.Trail == nil {
		return
	}
	event := kernel.TrailEvent{
		Region: "us-east-1", Source: eventSource, Name: q.op.name, Caller: q.call.Caller,
		Request: q.parameters(), Resources: trailResources(q.vars),
	}
	var refused *kernel.APIError
	if errors.As(err, &refused) {
		event.Error = refused
	} else {
		event.Response = elements(answer)
	}
	s.world.Trail.Record(event)
}

// recordChange tells CloudTrail about a change that a scenario made, and returns the event's id.
func (s *Service) recordChange(d *distribution, by kernel.Principal, at time.Time, before string, v version, answer reply) string {
	if s.world.Trail == nil {
		return ""
	}
	return s.world.Trail.Record(kernel.TrailEvent{
		At: at, Region: "us-east-1", Source: eventSource, Name: "UpdateDistribution", Caller: by,
		Request:   map[string]any{"id": d.id, "ifMatch": before, "distributionConfig": hide(lower(v.config))},
		Response:  elements(answer),
		Resources: trailResources(map[string]string{"Id": d.id}),
	})
}

// parameters are requestParameters: the path's, the query's and the header's, and the body under its own name.
func (q *request) parameters() map[string]any {
	parameters := map[string]any{}
	for name, value := range q.vars {
		parameters[lowerName(name)] = value
	}
	if etag := q.call.R.Header.Get("If-Match"); etag != "" {
		parameters["ifMatch"] = etag
	}
	if q.body != nil {
		delete(parameters, "functionCode")
		parameters[lowerName(q.body.Name)] = hide(lower(shape.Value(q.body)))
	}
	return parameters
}

// elements are responseElements.
func elements(answer reply) map[string]any {
	shown := map[string]any{}
	if answer.root != "" {
		shown[lowerName(answer.root)] = hide(lower(unraw(answer.value)))
	}
	if etag := answer.header["ETag"]; etag != "" {
		shown["eTag"] = etag
	}
	return shown
}

// unraw reads the configuration that an answer holds as XML.
func unraw(value any) any {
	members, ok := value.(map[string]any)
	if !ok {
		return value
	}
	shown := clone(members)
	if raw, isRaw := shown["DistributionConfig"].(wirexml.Raw); isRaw {
		_, config, err := readXML([]byte("<DistributionConfig>" + string(raw) + "</DistributionConfig>"))
		if err == nil {
			shown["DistributionConfig"] = config
		}
	}
	return shown
}

// lower is a value with CloudTrail's names: the first letter in lower case, as in webACLId's WebACLId.
func lower(value any) any {
	switch v := value.(type) {
	case map[string]any:
		lowered := make(map[string]any, len(v))
		for name, member := range v {
			lowered[lowerName(name)] = lower(member)
		}
		return lowered
	case []any:
		list := make([]any, 0, len(v))
		for _, entry := range v {
			list = append(list, lower(entry))
		}
		return list
	}
	return value
}

func lowerName(name string) string {
	for i, r := range name {
		return string(unicode.ToLower(r)) + name[i+len(string(r)):]
	}
	return name
}

// hide blanks what CloudTrail does not show: comments and function code.
func hide(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if name == "comment" || name == "functionCode" {
				v[name] = hidden
				continue
			}
			v[name] = hide(member)
		}
	case []any:
		for i := range v {
			v[i] = hide(v[i])
		}
	}
	return value
}

func trailResources(vars map[string]string) []kernel.TrailResource {
	var list []kernel.TrailResource
	for name, kind := range map[string]string{
		"Id": "AWS::CloudFront::Distribution", "DistributionId": "AWS::CloudFront::Distribution", "Name": "AWS::CloudFront::Function",
	} {
		if value := vars[name]; value != "" && !strings.HasPrefix(value, "arn:") {
			list = append(list, kernel.TrailResource{Type: kind, Name: value})
		}
	}
	return list
}
