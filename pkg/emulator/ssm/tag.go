// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/kernel"
)

// maxStartTags is how many tags an execution may be started with.
const maxStartTags = 5

type tag struct{ Key, Value string }

// tagText is the pattern of tag keys and values in the service model.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func checkTags(tags []tag) error {
	for _, t := range tags {
		if n := utf8.RuneCountInString(t.Key); n < 1 || n > 128 || !tagText.MatchString(t.Key) {
			return invalid("1 validation error detected: Value '%s' at 'tags.key' failed to satisfy constraint", t.Key)
		}
		if utf8.RuneCountInString(t.Value) > 256 || !tagText.MatchString(t.Value) {
			return invalid("1 validation error detected: Value '%s' at 'tags.value' failed to satisfy constraint", t.Value)
		}
	}
	return nil
}

func tagMap(tags []tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

func tagList(m map[string]string) []tag {
	tags := []tag{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, tag{key, m[key]})
	}
	return tags
}

// tagCondition are the condition keys of a tagged resource.
func tagCondition(tags map[string]string) map[string]string {
	conditions := map[string]string{}
	for key, value := range tags {
		conditions["aws:ResourceTag/"+key] = value
	}
	return conditions
}

// taggedKinds are the resource types that can be tagged here, with the first part of their ARN.
var taggedKinds = map[string]string{"Document": "document/", "Automation": "automation-execution/", "Parameter": "parameter/"}

func (s *Service) tagAccess(c *kernel.Call, action, kind, id string) kernel.Access {
	return kernel.Access{Action: "ssm:" + action, Resources: []string{s.arn(c.Region, taggedKinds[kind]+id)}}
}

func (s *Service) addTags(c *kernel.Call) (any, error) {
	var in struct {
		ResourceType, ResourceId string
		Tags                     []tag
	}
	access := func() kernel.Access { return s.tagAccess(c, "AddTagsToResource", in.ResourceType, in.ResourceId) }
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	added := tagMap(in.Tags)
	if in.ResourceType == "Automation" {
		if !s.Automation.Tag(in.ResourceId, added) {
			return nil, noResource(in.ResourceId)
		}
		return struct{}{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagsOf(in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	maps.Copy(tags, added)
	return struct{}{}, nil
}

func noResource(id string) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidResourceId", "The resource ID %s is not valid.", id)
}

// tagsOf are the tags of a resource, with the lock held.
func (s *Service) tagsOf(kind, id string) (map[string]string, error) {
	switch kind {
	case "Document":
		if e := s.documents[id]; e != nil {
			return e.tags, nil
		}
	case "Parameter":
		if p := s.parameters[id]; p != nil {
			return p.tags, nil
		}
	case "Automation":
		if e, ok := s.Automation.Get(id); ok {
			return e.Tags, nil
		}
	default:
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidResourceType", "The resource type %s is not valid.", kind)
	}
	return nil, noResource(id)
}

func (s *Service) listTags(c *kernel.Call) (any, error) {
	var in struct{ ResourceType, ResourceId string }
	access := func() kernel.Access { return s.tagAccess(c, "ListTagsForResource", in.ResourceType, in.ResourceId) }
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagsOf(in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return map[string]any{"TagList": tagList(tags)}, nil
}
