// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// route is one operation of the API.
type route struct {
	method string
	path   string // segments in braces are parameters
	action string
	query  []string // all query parameters that it takes
	serve  func(*Service, *request) error
}

var routes = []route{
	{"POST", "/2015-03-31/functions/{name}/invocations", "InvokeFunction", []string{"Qualifier"}, (*Service).invoke},
	{"GET", "/2015-03-31/functions/{name}", "GetFunction", []string{"Qualifier"}, (*Service).getFunction},
	{"GET", "/2015-03-31/functions/{name}/configuration", "GetFunctionConfiguration", []string{"Qualifier"}, (*Service).getConfiguration},
	{"GET", "/2015-03-31/functions/{name}/versions", "ListVersionsByFunction", []string{"Marker", "MaxItems"}, (*Service).listVersions},
	{"GET", "/2015-03-31/functions", "ListFunctions", []string{"Marker", "MaxItems", "FunctionVersion", "MasterRegion"}, (*Service).listFunctions},
	{"GET", "/2019-09-30/functions/{name}/concurrency", "GetFunctionConcurrency", nil, (*Service).getConcurrency},
	{"PUT", "/2017-10-31/functions/{name}/concurrency", "PutFunctionConcurrency", nil, (*Service).putConcurrency},
	{"DELETE", "/2017-10-31/functions/{name}/concurrency", "DeleteFunctionConcurrency", nil, (*Service).deleteConcurrency},
	{"GET", "/2016-08-19/account-settings", "GetAccountSettings", nil, (*Service).getAccountSettings},
	{"POST", "/2015-03-31/functions/{name}/policy", "AddPermission", []string{"Qualifier"}, (*Service).addPermission},
	{"DELETE", "/2015-03-31/functions/{name}/policy/{sid}", "RemovePermission", []string{"Qualifier", "RevisionId"}, (*Service).removePermission},
	{"GET", "/2015-03-31/functions/{name}/policy", "GetPolicy", []string{"Qualifier"}, (*Service).getPolicy},
}

// request is a call with its route's parameters.
type request struct {
	*kernel.Call
	route      route
	parameters map[string]string
	query      url.Values
}

// Serve answers one request.
func (s *Service) Serve(c *kernel.Call) {
	for _, r := range routes {
		parameters, ok := r.match(c.R.Method, c.R.URL.EscapedPath())
		if !ok {
			continue
		}
		s.serve(&request{Call: c, route: r, parameters: parameters, query: c.R.URL.Query()})
		return
	}
	s.world.Strict("lambda: unknown operation %s %s", c.R.Method, c.R.URL.Path)
	c.FailJSON(kernel.Errorf(http.StatusNotFound, "UnknownOperationException", "unknown operation %s %s", c.R.Method, c.R.URL.Path))
}

func (s *Service) serve(r *request) {
	for name := range r.query {
		if !slices.Contains(r.route.query, name) {
			s.world.Strict("lambda: %s: parameter %s is not emulated", r.route.action, name)
			r.FailJSON(badValue("parameter %s is not emulated", name))
			return
		}
	}
	if err := r.route.serve(s, r); err != nil {
		r.FailJSON(err)
	}
}

func (r route) match(method, escaped string) (map[string]string, bool) {
	want, got := strings.Split(r.path, "/"), strings.Split(strings.TrimSuffix(escaped, "/"), "/")
	if method != r.method || len(want) != len(got) {
		return nil, false
	}
	parameters := map[string]string{}
	for i, segment := range want {
		value, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			parameters[strings.TrimSuffix(name, "}")] = value
		} else if segment != value {
			return nil, false
		}
	}
	return parameters, true
}

// function begins the call and finds its function; a missing one is found out only by whom IAM lets ask.
func (r *request) function(s *Service) (*function, string, error) {
	region, name, qualifier := reference(r.Region, r.parameters["name"])
	f, _, missing := s.find(region, name)
	access := kernel.Access{Action: "lambda:" + r.route.action, Resources: []string{s.arn(region, name)}}
	if f != nil {
		access.Policy = s.policy(f)
	}
	if err := r.Begin(access); err != nil {
		return nil, "", err
	}
	if q := r.query.Get("Qualifier"); q != "" {
		qualifier = q
	}
	return f, qualifier, missing
}

// read reads a request's body. A member that is not read is a violation.
func (r *request) read(s *Service, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		s.world.Strict("lambda: %s: %v", r.route.action, err)
		return kernel.Errorf(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: %v", err)
	}
	return nil
}

func (s *Service) invoke(r *request) error {
	_, qualifier, err := r.function(s)
	if err != nil {
		return err
	}
	f, err := s.runnable(r.Region, r.parameters["name"])
	if err != nil {
		return err
	}
	if qualifier != "" && qualifier != latest {
		return notFound(f.arn, qualifier)
	}
	if len(r.Body) > 0 && !json.Valid(r.Body) {
		return kernel.Errorf(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json")
	}
	return s.invokeAs(r, f)
}

func (s *Service) invokeAs(r *request, f *function) error {
	switch kind := r.R.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		return s.invokeAndWait(r, f)
	case "Event":
		if err := s.queue(f, r.RequestID(), r.payload(), r.Caller.ARN); err != nil {
			return err
		}
		r.JSONStatus(http.StatusAccepted, nil)
	case "DryRun":
		r.JSONStatus(http.StatusNoContent, nil)
	default:
		return badValue("invocation type %s is not known", kind)
	}
	return nil
}

// payload is the event; without one a function is invoked with an empty object.
func (r *request) payload() []byte {
	if len(r.Body) == 0 {
		return []byte("{}")
	}
	return r.Body
}

// invokeAndWait runs the function even where the client goes away, and as work that the account waits for.
func (s *Service) invokeAndWait(r *request, f *function) error {
	if len(r.Body) > syncLimit {
		return kernel.Errorf(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request must be smaller than 6291456 bytes")
	}
	var result kernel.Result
	var err error
	done := make(chan struct{})
	s.world.Go(func() {
		defer close(done)
		result, err = s.run(f, r.RequestID(), r.payload())
	})
	<-done
	if err != nil {
		return err
	}
	h := r.W.Header()
	h.Set("X-Amz-Executed-Version", latest)
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if r.R.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(tail(result.Log))))
	}
	r.JSONStatus(http.StatusOK, result.Payload)
	return nil
}

// tail is the last four kilobytes of a log.
func tail(log string) string { return log[max(0, len(log)-4096):] }

// configured begins the call and finds the configuration that it asks for.
func (r *request) configured(s *Service) (*function, json.RawMessage, error) {
	f, qualifier, err := r.function(s)
	if err != nil {
		return nil, nil, err
	}
	configuration, ok := f.configuration(qualifier)
	if !ok {
		return nil, nil, notFound(f.arn, qualifier)
	}
	return f, configuration, nil
}

func (s *Service) getFunction(r *request) error {
	f, configuration, err := r.configured(s)
	if err != nil {
		return err
	}
	answer := map[string]any{
		"Configuration": configuration, "Code": map[string]string{"RepositoryType": "S3", "Location": "https://example.com/code"},
	}
	if n := s.reservation(f); n != nil {
		answer["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *n}
	}
	r.JSON(answer)
	return nil
}

func (s *Service) reservation(f *function) *int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.reserved
}

func (s *Service) getConfiguration(r *request) error {
	_, configuration, err := r.configured(s)
	if err != nil {
		return err
	}
	r.JSON(configuration)
	return nil
}

func (s *Service) listVersions(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	versions := f.versions
	if !f.foreign {
		configuration, _ := f.configuration("")
		versions = []json.RawMessage{configuration}
	}
	r.JSON(map[string]any{"Versions": versions})
	return nil
}

func (s *Service) listFunctions(r *request) error {
	if err := r.Begin(kernel.Access{Action: "lambda:ListFunctions"}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	functions := []json.RawMessage{}
	for _, arn := range slices.Sorted(maps.Keys(s.functions)) {
		if configuration, ok := s.functions[arn].configuration(""); ok && s.functions[arn].region == r.Region {
			functions = append(functions, configuration)
		}
	}
	r.JSON(map[string]any{"Functions": functions})
	return nil
}

func (s *Service) getConcurrency(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	answer := map[string]int{}
	if n := s.reservation(f); n != nil {
		answer["ReservedConcurrentExecutions"] = *n
	}
	r.JSON(answer)
	return nil
}

func (s *Service) putConcurrency(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	var in struct{ ReservedConcurrentExecutions int }
	if err := r.read(s, &in); err != nil {
		return err
	}
	if err := s.Reserve(f.arn, in.ReservedConcurrentExecutions); err != nil {
		return err
	}
	r.JSON(in)
	return nil
}

func (s *Service) deleteConcurrency(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	s.unreserve(f)
	r.JSONStatus(http.StatusNoContent, nil)
	return nil
}

func (s *Service) getAccountSettings(r *request) error {
	if err := r.Begin(kernel.Access{Action: "lambda:GetAccountSettings"}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.limit(r.Region)
	r.JSON(map[string]any{
		"AccountLimit": map[string]int{
			"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit - s.reservedIn(r.Region, nil),
			"TotalCodeSize": 80530636800, "CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800,
		},
		"AccountUsage": map[string]int{"FunctionCount": len(s.functions), "TotalCodeSize": len(s.functions)},
	})
	return nil
}

func (s *Service) addPermission(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	var in struct{ StatementId, Action, Principal, SourceArn, SourceAccount string }
	if err := r.read(s, &in); err != nil {
		return err
	}
	p := Permission{ID: in.StatementId, Action: in.Action, Principal: in.Principal, SourceARN: in.SourceArn, SourceAccount: in.SourceAccount}
	if err := s.AddPermission(f.arn, p); err != nil {
		return err
	}
	raw, _ := json.Marshal(p.statement(f.arn))
	r.JSONStatus(http.StatusCreated, map[string]string{"Statement": string(raw)})
	return nil
}

func (s *Service) removePermission(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(f.statements, func(st statement) bool { return st.Sid == r.parameters["sid"] })
	if at < 0 {
		return kernel.Errorf(http.StatusNotFound, "ResourceNotFoundException", "Statement %s is not found in resource policy.", r.parameters["sid"])
	}
	f.statements = slices.Delete(slices.Clone(f.statements), at, at+1)
	r.JSONStatus(http.StatusNoContent, nil)
	return nil
}

func (s *Service) getPolicy(r *request) error {
	f, _, err := r.function(s)
	if err != nil {
		return err
	}
	policy := s.policy(f)
	if policy == nil {
		return kernel.Errorf(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	r.JSON(map[string]string{"Policy": string(policy.Raw), "RevisionId": kernel.NewUUID()})
	return nil
}
