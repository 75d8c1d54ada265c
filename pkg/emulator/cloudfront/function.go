// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// The two stages of a CloudFront function.
const (
	development = "DEVELOPMENT"
	live        = "LIVE"
)

// function is a CloudFront function with what stands in each stage.
type function struct {
	name    string
	status  string // empty: what follows from the stages
	created time.Time
	dev     *stage
	live    *stage   // nil until it is published
	served  []served // what edges run, by when they have it
}

// served is code that edges run from a time on.
type served struct {
	from time.Time
	code []byte
}

type stage struct {
	etag     string
	config   any // FunctionConfig as the CLI prints it
	code     []byte
	modified time.Time
	test     map[string]any // what TestFunction answers, but for the summary; nil: it ran well
}

// PutFunction makes a CloudFront function that is published, or replaces it. config is its FunctionConfig as the CLI prints
// it. An empty etag is made.
func (s *Service) PutFunction(name, etag string, config, code []byte) error {
	value, err := wirexml.JSON(config)
	if err != nil {
		return fmt.Errorf("function %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Clock.Now()
	if etag == "" {
		etag = s.newID("E", name)
	}
	s.functions[name] = &function{
		name: name, created: now,
		dev:    &stage{etag: s.newID("E", name), config: value, code: code, modified: now},
		live:   &stage{etag: etag, config: value, code: code, modified: now},
		served: []served{{code: code}},
	}
	return nil
}

// PutFunctionSummary makes what stands in a function's stage of a FunctionSummary as the AWS CLI prints it. The code is not
// known then.
func (s *Service) PutFunctionSummary(inStage, etag string, summary []byte) error {
	value, err := wirexml.JSON(summary)
	if err != nil {
		return fmt.Errorf("function: %w", err)
	}
	members := object(value)
	metadata := object(members, "FunctionMetadata")
	name := text(members, "Name")
	created, err := time.Parse(time.RFC3339, text(metadata, "CreatedTime"))
	if err != nil {
		return fmt.Errorf("function %s: %w", name, err)
	}
	modified, err := time.Parse(time.RFC3339, text(metadata, "LastModifiedTime"))
	if err != nil {
		return fmt.Errorf("function %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if f == nil {
		f = &function{name: name}
		s.functions[name] = f
	}
	f.created, f.status = created, text(members, "Status")
	put := &stage{etag: etag, config: members["FunctionConfig"], code: []byte("// not recorded"), modified: modified}
	if inStage == live {
		f.live = put
	}
	if inStage != live || f.dev == nil {
		f.dev = put
	}
	return nil
}

// SetFunctionTest sets what TestFunction answers for a stage, as the CLI's TestResult; the summary is put in.
func (s *Service) SetFunctionTest(name, inStage string, result []byte) error {
	value, err := wirexml.JSON(result)
	if err != nil {
		return fmt.Errorf("function %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if f == nil || f.stage(inStage) == nil {
		return fmt.Errorf("function %s: nothing in stage %s", name, inStage)
	}
	f.stage(inStage).test = object(value)
	return nil
}

func (f *function) stage(name string) *stage {
	if name == live {
		return f.live
	}
	return f.dev
}

func (f *function) summary(account, in string) map[string]any {
	st := f.stage(in)
	status := f.status
	switch {
	case status != "":
	case f.live != nil:
		status = "DEPLOYED"
	default:
		status = "UNPUBLISHED"
	}
	return map[string]any{
		"Name": f.name, "Status": status, "FunctionConfig": st.config,
		"FunctionMetadata": map[string]any{
			"FunctionARN": "arn:aws:cloudfront::" + account + ":function/" + f.name, "Stage": in,
			"CreatedTime": stamp(f.created), "LastModifiedTime": stamp(st.modified),
		},
	}
}

// findStage is the function of a request and what stands in the stage it names, DEVELOPMENT if none. The lock is held.
func (s *Service) findStage(q *request, in string) (*function, *stage, string, error) {
	if in == "" {
		in = development
	}
	f := s.functions[q.vars["Name"]]
	if f == nil || f.stage(in) == nil {
		return nil, nil, "", kernel.Errorf(http.StatusNotFound, "NoSuchFunctionExists", "The function does not exist.")
	}
	return f, f.stage(in), in, nil
}

func (s *Service) getFunction(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, st, _, err := s.findStage(q, q.vars["Stage"])
	if err != nil {
		return reply{}, err
	}
	return reply{header: map[string]string{"ETag": st.etag, "Content-Type": "application/octet-stream"}, raw: append([]byte{}, st.code...)}, nil
}

func (s *Service) describeFunction(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, st, in, err := s.findStage(q, q.vars["Stage"])
	if err != nil {
		return reply{}, err
	}
	return reply{header: map[string]string{"ETag": st.etag}, root: "FunctionSummary", value: f.summary(s.world.Account, in)}, nil
}

// runtimes are the values of FunctionRuntime (API model of 2020-05-31).
var runtimes = []string{"cloudfront-js-1.0", "cloudfront-js-2.0"}

// functionConfig checks a FunctionConfig: a comment, a runtime, and at most one key value store, which only the second
// runtime can read (CloudFront guide, "Associate a key value store").
func functionConfig(config map[string]any) error {
	_, comment := config["Comment"]
	runtime, stores := text(config, "Runtime"), len(items(config, "KeyValueStoreAssociations"))
	switch {
	case !comment || !slices.Contains(runtimes, runtime):
		return bad("InvalidArgument", "The function's configuration needs a comment and a runtime.")
	case stores > 1 || stores == 1 && runtime == runtimes[0]:
		return bad("InvalidArgument", "The function cannot be associated with these key value stores.")
	}
	return nil
}

// draft is the configuration and code of a request's body.
func (s *Service) draft(q *request) (*stage, map[string]any, error) {
	if q.body == nil {
		return nil, nil, kernel.Errorf(http.StatusBadRequest, "MissingBody", "This operation requires a body.")
	}
	members, _ := shape.Value(q.body).(map[string]any)
	if err := functionConfig(object(members, "FunctionConfig")); err != nil {
		return nil, nil, err
	}
	code, err := base64.StdEncoding.DecodeString(text(members, "FunctionCode"))
	if err != nil || len(code) == 0 {
		return nil, nil, bad("InvalidArgument", "FunctionCode is not valid")
	}
	if len(code) > 10240 {
		return nil, nil, kernel.Errorf(http.StatusRequestEntityTooLarge, "FunctionSizeLimitExceeded", "The function is too large.")
	}
	return &stage{etag: s.newID("E", "function"), config: members["FunctionConfig"], code: code, modified: s.world.Clock.Now()}, members, nil
}

func (s *Service) updateFunction(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, st, _, err := s.findStage(q, development)
	if err != nil {
		return reply{}, err
	}
	if err := precondition(q, st.etag); err != nil {
		return reply{}, err
	}
	changed, _, err := s.draft(q)
	if err != nil {
		return reply{}, err
	}
	f.dev = changed
	// The API model calls this answer's header ETtag; both are sent, as AWS does not say which it sends.
	header := map[string]string{"ETag": changed.etag, "Ettag": changed.etag}
	return reply{header: header, root: "FunctionSummary", value: f.summary(s.world.Account, development)}, nil
}

func (s *Service) publishFunction(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, st, _, err := s.findStage(q, development)
	if err != nil {
		return reply{}, err
	}
	if err := precondition(q, st.etag); err != nil {
		return reply{}, err
	}
	s.publish(f)
	return reply{root: "FunctionSummary", value: f.summary(s.world.Account, live)}, nil
}

func (s *Service) createFunction(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, members, err := s.draft(q)
	if err != nil {
		return reply{}, err
	}
	name := text(members, "Name")
	if name == "" || s.functions[name] != nil {
		return reply{}, kernel.Errorf(http.StatusConflict, "FunctionAlreadyExists", "A function with the same name already exists.")
	}
	f := &function{name: name, created: made.modified, dev: made}
	s.functions[name] = f
	header := map[string]string{"ETag": made.etag, "Location": "https://cloudfront.amazonaws.com/2020-05-31/function/" + name}
	return reply{status: http.StatusCreated, header: header, root: "FunctionSummary", value: f.summary(s.world.Account, development)}, nil
}

func (s *Service) testFunction(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := orEmpty(q.body)
	f, st, in, err := s.findStage(q, orEmpty(body.Child("Stage")).Text)
	if err != nil {
		return reply{}, err
	}
	if err := precondition(q, st.etag); err != nil {
		return reply{}, err
	}
	if body.Child("EventObject") == nil {
		return reply{}, bad("InvalidArgument", "The parameter EventObject is required.")
	}
	result := map[string]any{"ComputeUtilization": "10", "FunctionExecutionLogs": []any{}, "FunctionErrorMessage": "", "FunctionOutput": "{}"}
	maps.Copy(result, s.tests[string(st.code)])
	maps.Copy(result, st.test)
	result["FunctionSummary"] = f.summary(s.world.Account, in)
	return reply{root: "TestResult", value: result}, nil
}

func (s *Service) listFunctions(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := q.vars["Stage"]
	if in == "" {
		in = development
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		if s.functions[name].stage(in) != nil {
			found = append(found, name)
		}
	}
	answer, err := page(q, "FunctionList", found, func(name string) any { return s.functions[name].summary(s.world.Account, in) })
	delete(object(answer.value), "Marker")
	delete(object(answer.value), "IsTruncated")
	return answer, err
}
