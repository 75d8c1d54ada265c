// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
	"github.com/goccy/go-yaml"
)

// Document types that this emulator knows. The others are kept as text.
const (
	typeAutomation = "Automation"
	typeCalendar   = "ChangeCalendar"
)

// maxVersions is how many versions a document may have. Source: "Systems Manager endpoints and quotas".
const maxVersions = 1000

// entry is a document with its versions.
type entry struct {
	name           string
	kind           string
	created        time.Time
	versions       []version
	defaultVersion int
	tags           map[string]string
}

// version is one content of a document.
type version struct {
	number   int
	name     string
	content  string
	format   string // JSON, YAML or TEXT
	created  time.Time
	parsed   document.Document // of an Automation
	calendar calendar          // of a ChangeCalendar
}

func (v version) hash() string {
	sum := sha256.Sum256([]byte(v.content))
	return hex.EncodeToString(sum[:])
}

func (e *entry) latest() version { return e.versions[len(e.versions)-1] }

// at is the version that a request names: empty, $DEFAULT, $LATEST or a number.
func (e *entry) at(name string) (version, bool) {
	switch name {
	case "", "$DEFAULT":
		name = strconv.Itoa(e.defaultVersion)
	case "$LATEST":
		return e.latest(), true
	}
	for _, v := range e.versions {
		if strconv.Itoa(v.number) == name {
			return v, true
		}
	}
	return version{}, false
}

// documentName is the pattern of CreateDocument's Name in the service model.
var documentName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)

// reservedPrefixes begin names that AWS keeps for itself. Source: the service model, CreateDocument.
var reservedPrefixes = []string{"aws", "amazon", "amzn", "awsec2", "awsconfigremediation", "awssupport"}

func checkName(name string) error {
	if !documentName.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", name, documentName)
	}
	for _, prefix := range reservedPrefixes {
		if strings.HasPrefix(strings.ToLower(name), prefix) {
			return invalid("document name %s begins with the reserved prefix %s", name, prefix)
		}
	}
	return nil
}

// newVersion reads and checks a content.
func newVersion(kind, content, format string, now time.Time) (version, error) {
	v := version{number: 1, content: content, format: format, created: now}
	if len(content) > document.MaxSize {
		return version{}, kernel.Errorf(http.StatusBadRequest, "MaxDocumentSizeExceeded", "the document is larger than %d bytes", document.MaxSize)
	}
	var err error
	switch kind {
	case typeAutomation:
		v.parsed, err = readAutomation(content, format)
	case typeCalendar:
		v.calendar, err = parseCalendar(content)
	}
	if err != nil {
		return version{}, kernel.Errorf(http.StatusBadRequest, "InvalidDocumentContent", "%v", err)
	}
	return v, nil
}

func readAutomation(content, format string) (document.Document, error) {
	if isJSON := json.Valid([]byte(content)); format == "JSON" && !isJSON {
		return document.Document{}, errors.New("the content is not JSON, as DocumentFormat says")
	}
	d, err := document.Parse([]byte(content))
	if err != nil {
		return document.Document{}, err
	}
	for _, problem := range document.Check(d, nil) {
		if problem.Refused {
			return document.Document{}, errors.New(problem.String())
		}
	}
	return d, nil
}

// PutDocument makes a document, or a new default version where the content differs. Unlike CreateDocument it takes the names
// that AWS keeps for its own documents. documentType is as in the API, "Automation" or "ChangeCalendar".
func (s *Service) PutDocument(name string, content []byte, documentType string) error {
	v, err := newVersion(documentType, string(content), formatOf(documentType, content), s.world.Clock.Now())
	if err != nil {
		return fmt.Errorf("document %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.documents[name]
	if e == nil {
		s.documents[name] = &entry{name: name, kind: documentType, created: v.created, versions: []version{v}, defaultVersion: 1, tags: map[string]string{}}
		return nil
	}
	if e.kind != documentType {
		return fmt.Errorf("document %s: is of type %s", name, e.kind)
	}
	if e.latest().hash() == v.hash() {
		return nil
	}
	v.number = e.latest().number + 1
	e.versions, e.defaultVersion = append(e.versions, v), v.number
	return nil
}

func formatOf(kind string, content []byte) string {
	switch {
	case kind == typeCalendar:
		return "TEXT"
	case bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")):
		return "JSON"
	}
	return "YAML"
}

// nameOf is the name in a name or an ARN of a document.
func nameOf(text string) string {
	if _, name, ok := strings.Cut(text, ":document/"); ok {
		return name
	}
	if _, name, ok := strings.Cut(text, ":automation-definition/"); ok {
		name, _, _ = strings.Cut(name, ":")
		return name
	}
	return text
}

// documentARN is empty in its account for AWS's own documents.
func (s *Service) documentARN(region, name string) string {
	if strings.HasPrefix(name, "AWS-") || strings.HasPrefix(name, "AWSSupport-") {
		return "arn:aws:ssm:" + region + "::document/" + name
	}
	return s.arn(region, "document/"+name)
}

func (s *Service) documentAccess(c *kernel.Call, action, name string) kernel.Access {
	return kernel.Access{Action: "ssm:" + action, Resources: []string{s.documentARN(c.Region, nameOf(name))}}
}

func noDocument(name string) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidDocument", "Document with name %s does not exist.", name)
}

func noVersion(name string) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidDocumentVersion", "The document version %s is not valid.", name)
}

// find is a document and one of its versions, with the lock held.
func (s *Service) find(name, versionName string) (*entry, version, error) {
	e := s.documents[nameOf(name)]
	if e == nil {
		return nil, version{}, noDocument(name)
	}
	v, ok := e.at(versionName)
	if !ok {
		return nil, version{}, noVersion(versionName)
	}
	return e, v, nil
}

// description is the DocumentDescription of the API.
type description struct {
	Name            string
	Hash            string
	HashType        string
	Owner           string
	CreatedDate     epoch
	Status          string
	DocumentVersion string
	VersionName     string `json:",omitempty"`
	Description     string `json:",omitempty"`
	Parameters      []describedParameter
	PlatformTypes   []string
	DocumentType    string
	SchemaVersion   string `json:",omitempty"`
	LatestVersion   string
	DefaultVersion  string
	DocumentFormat  string
	Tags            []tag
}

type describedParameter struct {
	Name         string
	Type         string
	Description  string `json:",omitempty"`
	DefaultValue string `json:",omitempty"`
}

func (s *Service) describe(e *entry, v version) description {
	d := description{
		Name: e.name, Hash: v.hash(), HashType: "Sha256", Owner: s.world.Account, CreatedDate: epoch(v.created), Status: "Active",
		DocumentVersion: strconv.Itoa(v.number), VersionName: v.name, Description: v.parsed.Description, DocumentType: e.kind,
		LatestVersion: strconv.Itoa(e.latest().number), DefaultVersion: strconv.Itoa(e.defaultVersion), DocumentFormat: v.format,
		Parameters: []describedParameter{}, PlatformTypes: []string{"Windows", "Linux", "MacOS"}, Tags: tagList(e.tags),
	}
	if e.kind == typeAutomation {
		d.SchemaVersion = "0.3"
	}
	for _, p := range v.parsed.Parameters {
		d.Parameters = append(d.Parameters, describedParameter{Name: p.Name, Type: p.Type, Description: p.Description, DefaultValue: asText(p.Default)})
	}
	return d
}

func asText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	raw, _ := json.Marshal(value) // comes from JSON or YAML
	return string(raw)
}

// inFormat is a content in the format that a request wants.
func (v version) inFormat(format string) (string, error) {
	if format == "" || format == v.format {
		return v.content, nil
	}
	convert := map[string]func([]byte) ([]byte, error){"JSON": yaml.YAMLToJSON, "YAML": yaml.JSONToYAML}[format]
	if convert == nil || v.format == "TEXT" {
		return "", kernel.Errorf(http.StatusBadRequest, "UnsupportedOperation", "the document is not available as %s", format)
	}
	converted, err := convert([]byte(v.content))
	return string(converted), err
}
