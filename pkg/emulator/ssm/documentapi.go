// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

type createInput struct {
	Name, Content, DocumentType, DocumentFormat, VersionName string
	DisplayName, TargetType                                  string
	Tags                                                     []tag
}

func (s *Service) createDocument(c *kernel.Call) (any, error) {
	var in createInput
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "CreateDocument", in.Name) }); err != nil {
		return nil, err
	}
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if in.DocumentType == "" {
		in.DocumentType = "Command"
	}
	v, err := s.readVersion(c, in.DocumentType, in.Content, in.DocumentFormat)
	if err != nil {
		return nil, err
	}
	v.name = in.VersionName
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents[in.Name] != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "DocumentAlreadyExists", "Document with same name %s already exists", in.Name)
	}
	e := &entry{name: in.Name, kind: in.DocumentType, created: v.created, versions: []version{v}, defaultVersion: 1, tags: tagMap(in.Tags)}
	s.documents[in.Name] = e
	return map[string]any{"DocumentDescription": s.describe(e, v)}, nil
}

// readVersion reads a content. Whoever writes a document with a role's ARN in it must be allowed to pass that role.
func (s *Service) readVersion(c *kernel.Call, kind, content, format string) (version, error) {
	if content == "" {
		return version{}, invalid("1 validation error detected: Value at 'content' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if format == "" {
		format = "JSON"
	}
	v, err := newVersion(kind, content, format, s.world.Clock.Now())
	if err != nil {
		return version{}, err
	}
	if role := v.parsed.AssumeRole; strings.HasPrefix(role, "arn:") {
		return v, c.Also(passRole(role))
	}
	return v, nil
}

func passRole(role string) kernel.Access {
	return kernel.Access{
		Action: "iam:PassRole", Resources: []string{role}, Conditions: map[string]string{"iam:PassedToService": "ssm.amazonaws.com"},
	}
}

type updateInput struct {
	Name, Content, DocumentVersion, DocumentFormat, VersionName string
	DisplayName, TargetType                                     string
}

func (s *Service) updateDocument(c *kernel.Call) (any, error) {
	var in updateInput
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "UpdateDocument", in.Name) }); err != nil {
		return nil, err
	}
	kind, err := s.kind(in.Name)
	if err != nil {
		return nil, err
	}
	v, err := s.readVersion(c, kind, in.Content, in.DocumentFormat)
	if err != nil {
		return nil, err
	}
	v.name = in.VersionName
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addVersion(in, v)
}

func (s *Service) kind(name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _, err := s.find(name, "")
	if err != nil {
		return "", err
	}
	return e.kind, nil
}

func (s *Service) addVersion(in updateInput, v version) (any, error) {
	e, based, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	if in.DocumentVersion != "" && based.number != e.latest().number {
		return nil, noVersion(in.DocumentVersion)
	}
	if e.latest().hash() == v.hash() {
		return nil, kernel.Errorf(http.StatusBadRequest, "DuplicateDocumentContent", "The content of the association document matches another document. Change the content of the document and try again.")
	}
	if len(e.versions) >= maxVersions {
		return nil, kernel.Errorf(http.StatusBadRequest, "DocumentVersionLimitExceeded", "The document has %d versions.", maxVersions)
	}
	v.number = e.latest().number + 1
	e.versions = append(e.versions, v)
	return map[string]any{"DocumentDescription": s.describe(e, v)}, nil
}

func (s *Service) updateDefaultVersion(c *kernel.Call) (any, error) {
	var in struct{ Name, DocumentVersion string }
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "UpdateDocumentDefaultVersion", in.Name) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, v, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	e.defaultVersion = v.number
	return map[string]any{"Description": map[string]string{"Name": e.name, "DefaultVersion": strconv.Itoa(v.number)}}, nil
}

func (s *Service) getDocument(c *kernel.Call) (any, error) {
	var in struct{ Name, DocumentVersion, DocumentFormat string }
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "GetDocument", in.Name) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, v, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	content, err := v.inFormat(in.DocumentFormat)
	if err != nil {
		return nil, err
	}
	format := v.format
	if in.DocumentFormat != "" {
		format = in.DocumentFormat
	}
	return map[string]any{
		"Name": e.name, "CreatedDate": epoch(v.created), "DocumentVersion": strconv.Itoa(v.number), "Status": "Active",
		"Content": content, "DocumentType": e.kind, "DocumentFormat": format,
	}, nil
}

func (s *Service) describeDocument(c *kernel.Call) (any, error) {
	var in struct{ Name, DocumentVersion string }
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "DescribeDocument", in.Name) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, v, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Document": s.describe(e, v)}, nil
}

type filter struct {
	Key    string
	Values []string
}

// documentFilters are the keys of ListDocuments that are known here.
var documentFilters = map[string]func(e *entry, value string) bool{
	"Name":         func(e *entry, value string) bool { return strings.HasPrefix(e.name, value) },
	"DocumentType": func(e *entry, value string) bool { return e.kind == value },
	"Owner":        func(e *entry, value string) bool { return value == "Self" || value == "All" || value == "Private" },
}

func (s *Service) listDocuments(c *kernel.Call) (any, error) {
	var in struct {
		Filters    []filter
		MaxResults int
		NextToken  string
	}
	if err := s.ask(c, &in, func() kernel.Access { return kernel.Access{Action: "ssm:ListDocuments"} }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []description{}
	for _, name := range slices.Sorted(maps.Keys(s.documents)) {
		e := s.documents[name]
		ok, err := matches(e, in.Filters, documentFilters)
		if err != nil {
			return nil, err
		}
		if ok {
			v, _ := e.at("")
			found = append(found, s.describe(e, v))
		}
	}
	part, next, err := page(found, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	return listed("DocumentIdentifiers", part, next), nil
}

// listed is a page of an answer.
func listed(name string, part any, next string) map[string]any {
	answer := map[string]any{name: part}
	if next != "" {
		answer["NextToken"] = next
	}
	return answer
}

// matches says whether something passes every filter: each with any of its values.
func matches[T any](item T, filters []filter, known map[string]func(T, string) bool) (bool, error) {
	for _, f := range filters {
		test, ok := known[f.Key]
		if !ok {
			return false, kernel.Errorf(http.StatusBadRequest, "InvalidFilterKey", "The specified filter key %s is not valid.", f.Key)
		}
		if !slices.ContainsFunc(f.Values, func(value string) bool { return test(item, value) }) {
			return false, nil
		}
	}
	return true, nil
}

func (s *Service) deleteDocument(c *kernel.Call) (any, error) {
	var in struct {
		Name, DocumentVersion string
		Force                 bool
	}
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "DeleteDocument", in.Name) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, v, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	if in.DocumentVersion == "" {
		delete(s.documents, e.name)
		return struct{}{}, nil
	}
	if v.number == e.defaultVersion {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidDocumentOperation", "The default version cannot be deleted.")
	}
	e.versions = slices.DeleteFunc(e.versions, func(other version) bool { return other.number == v.number })
	return struct{}{}, nil
}
