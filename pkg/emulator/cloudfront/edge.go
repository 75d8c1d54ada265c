// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// cachingDisabled is the managed cache policy under which neither objects nor errors are cached.
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

// defaultErrorTTL is how long an edge keeps an origin's error where the configuration says nothing.
const defaultErrorTTL = 10 * time.Second

// Deployed is what an edge serves with when it is asked.
type Deployed struct {
	ID     string
	Domain string
	ETag   string
	At     time.Time      // when it is asked, by the account's clock; may lie in the past, for metrics
	Region string         // the Region of the edge's regional cache, where its Lambda@Edge functions run
	Config map[string]any // as the CLI prints it; must not be changed
}

// EdgeFunc says what comes back for a request before custom error responses and error caching: what the origin answers, or
// an edge function, or CloudFront itself. It must give the same answer for the same arguments, also for times gone by: a
// minute's metrics are computed when somebody asks for them.
type EdgeFunc func(cfg Deployed, r *http.Request) EdgeAnswer

// EdgeAnswer is one answer.
type EdgeAnswer struct {
	Status int         // 0: 200
	Header http.Header // the origin's, as Server
	Body   []byte
	// XCache says who else than the origin wrote it, as "LambdaLimitExceeded from cloudfront"; empty: the origin did. Only
	// an origin's error is cached and given to custom error responses.
	XCache string
	// Share is the part of the requests that get this answer, the others a healthy one; 0: all.
	Share float64
	// Took is how long the origin or the edge function took; 0: 80 ms.
	Took time.Duration
	// Concurrency is how many executions Lambda runs in this Region at its peak in the minute; 0: as many as traffic needs.
	Concurrency float64
	// Unstarted says that Lambda could not start the function at all, as in a role that it cannot assume: it counts nothing.
	Unstarted bool
	// Verbatim sends header and body as they are.
	Verbatim bool
	// Drop ends the connection without an answer; such requests are in no metric, as no edge answered them.
	Drop bool
}

// Healthy is the edge of a distribution in order: the origin answers 200.
func Healthy(cfg Deployed, r *http.Request) EdgeAnswer {
	header := http.Header{"Server": {cfg.server(r.URL.Path)}, "Content-Type": {"text/html"}}
	return EdgeAnswer{Status: http.StatusOK, Header: header, Body: []byte("<!doctype html><title>ok</title>\n")}
}

// OriginAnswer is an answer that the origin of the request's behaviour wrote.
func OriginAnswer(cfg Deployed, r *http.Request, status int, kind, body string) EdgeAnswer {
	header := http.Header{"Server": {cfg.server(r.URL.Path)}, "Content-Type": {kind}}
	return EdgeAnswer{Status: status, Header: header, Body: []byte(body)}
}

// LambdaThrottled is the answer when the Region's Lambda pool is used up. share is the part of the requests that meet it,
// concurrency the executions that run, which is then the Region's limit.
func LambdaThrottled(share, concurrency float64) EdgeAnswer {
	answer := OwnError(http.StatusServiceUnavailable, "LambdaLimitExceeded", "The Lambda function associated with the CloudFront distribution was throttled.")
	answer.Share, answer.Concurrency = share, concurrency
	return answer
}

// OwnError is an error that CloudFront wrote, with the first sentence of its page. result is the word in x-cache, as
// "LambdaExecutionError", "LimitExceeded", or "Error" for an incident of CloudFront's own.
func OwnError(status int, result, sentence string) EdgeAnswer {
	return EdgeAnswer{
		Status: status, XCache: result + " from cloudfront", Body: []byte(sentence),
		Header: http.Header{"Server": {"CloudFront"}, "Content-Type": {"text/html"}},
	}
}

// SetEdge sets what a distribution's edges meet.
func (s *Service) SetEdge(id string, edge EdgeFunc) {
	s.AmendEdge(id, func(EdgeFunc) EdgeFunc { return edge })
}

// AmendEdge changes what a distribution's edges meet, given what they met until now.
func (s *Service) AmendEdge(id string, amend func(EdgeFunc) EdgeFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.distributions[id]; d != nil {
		d.edge, d.minutes = amend(d.edge), map[int64]*minute{}
	}
}

// Behaviour is the cache behaviour that a path meets, the first match or else the default one.
func (c Deployed) Behaviour(path string) map[string]any {
	for _, b := range items(c.Config, "CacheBehaviors") {
		pattern := strings.TrimPrefix(text(object(b), "PathPattern"), "/")
		if kernel.Glob(pattern, strings.TrimPrefix(path, "/")) {
			return object(b)
		}
	}
	return object(c.Config, "DefaultCacheBehavior")
}

// Origin is the origin that a path's behaviour points to, the first member where it points to a group; nil if there is none.
func (c Deployed) Origin(path string) map[string]any {
	id := text(c.Behaviour(path), "TargetOriginId")
	for _, g := range items(c.Config, "OriginGroups") {
		if members := items(g, "Members"); text(object(g), "Id") == id && len(members) > 0 {
			id = text(object(members[0]), "OriginId")
		}
	}
	for _, o := range items(c.Config, "Origins") {
		if text(object(o), "Id") == id {
			return object(o)
		}
	}
	return nil
}

// server is the server header that the kind of a path's origin writes.
func (c Deployed) server(path string) string {
	domain := text(c.Origin(path), "DomainName")
	switch {
	case strings.Contains(domain, ".s3.") || strings.Contains(domain, ".s3-"):
		return "AmazonS3"
	case strings.HasSuffix(domain, ".elb.amazonaws.com"):
		return "awselb/2.0"
	}
	return "nginx"
}

// errorResponse is the custom error response for a status, nil if there is none.
func (c Deployed) errorResponse(status int) map[string]any {
	for _, e := range items(c.Config, "CustomErrorResponses") {
		if text(object(e), "ErrorCode") == strconv.Itoa(status) {
			return object(e)
		}
	}
	return nil
}

// errorTTL is how long an edge keeps an origin's error of this status and path.
func (c Deployed) errorTTL(status int, path string) time.Duration {
	if text(c.Behaviour(path), "CachePolicyId") == cachingDisabled {
		return 0
	}
	seconds, err := strconv.ParseFloat(text(c.errorResponse(status), "ErrorCachingMinTTL"), 64)
	if err != nil {
		return defaultErrorTTL
	}
	return time.Duration(seconds * float64(time.Second))
}

// past is what a distribution was and is, so that an edge can be asked without the lock.
type past struct {
	d        distribution
	edge     EdgeFunc
	versions []version
	clears   []time.Time // invalidations
}

// snapshot is a distribution's past. The lock is held.
func (d *distribution) snapshot() past {
	p := past{d: *d, edge: d.edge, versions: slices.Clone(d.versions)}
	p.d.versions = p.versions
	for _, i := range d.invalidations {
		p.clears = append(p.clears, i.at)
	}
	return p
}

func (p *past) deployed(at time.Time, region string) Deployed {
	v := p.d.at(at)
	return Deployed{ID: p.d.id, Domain: p.d.domain, ETag: v.etag, At: at, Region: region, Config: v.config}
}

// ask is what a viewer gets at a time from an edge of a Region, and its age where the edge replays a cached error.
func (p *past) ask(at time.Time, region string, r *http.Request) (answer EdgeAnswer, age time.Duration) {
	cfg := p.deployed(at, region)
	if root := text(cfg.Config, "DefaultRootObject"); r.URL.Path == "/" && root != "" {
		r = r.Clone(r.Context())
		r.URL.Path = "/" + root
	}
	answer = p.edge(cfg, r)
	if answer.Status == 0 {
		answer.Status = http.StatusOK
	}
	if answer.Verbatim || answer.Drop {
		return answer, 0
	}
	if !answer.originError() {
		replayed, when, ok := p.cachedError(at, region, r)
		if !ok || answer.XCache != "" {
			return answer, 0
		}
		answer, age = replayed, at.Sub(when)
	}
	return p.customised(cfg, r, answer), age
}

// originError says whether an origin answered with an error, which edges cache and custom error responses replace.
func (a EdgeAnswer) originError() bool { return a.XCache == "" && a.Status >= http.StatusBadRequest }

// cachedError is the origin's error that the edge still keeps at a time, if the origin answered one shortly before. It
// looks back in steps of a minute, or of the TTL where that is shorter.
func (p *past) cachedError(at time.Time, region string, r *http.Request) (EdgeAnswer, time.Time, bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return EdgeAnswer{}, time.Time{}, false
	}
	longest := p.longestTTL(at, r.URL.Path)
	step := min(longest, time.Minute)
	for back := step; back > 0 && back <= longest; back += step {
		when := at.Add(-back)
		cfg := p.deployed(when, region)
		answer := p.edge(cfg, r)
		if answer.originError() && cfg.errorTTL(answer.Status, r.URL.Path) >= back && !p.cleared(when, at) {
			return answer, when, true
		}
	}
	return EdgeAnswer{}, time.Time{}, false
}

// longestTTL is the longest that any error may be kept by the configurations of the last hour.
func (p *past) longestTTL(at time.Time, path string) time.Duration {
	longest := time.Duration(0)
	for _, v := range p.versions {
		cfg := Deployed{Config: v.config}
		if text(cfg.Behaviour(path), "CachePolicyId") == cachingDisabled {
			continue
		}
		longest = max(longest, defaultErrorTTL)
		for _, code := range errorCodes {
			status, _ := strconv.Atoi(code)
			longest = max(longest, cfg.errorTTL(status, path))
		}
	}
	return min(longest, time.Hour)
}

func (p *past) cleared(from, to time.Time) bool {
	return slices.ContainsFunc(p.clears, func(at time.Time) bool { return !at.Before(from) && !at.After(to) })
}

// customised is an origin's error after the custom error response for its status: the page, fetched through the behaviour
// of its own path, with the response code. Where the page cannot be fetched, viewers get the status of that attempt.
func (p *past) customised(cfg Deployed, r *http.Request, answer EdgeAnswer) EdgeAnswer {
	custom := cfg.errorResponse(answer.Status)
	page := text(custom, "ResponsePagePath")
	if page == "" {
		return answer
	}
	fetch := r.Clone(r.Context())
	fetch.URL.Path = page
	fetched := p.edge(cfg, fetch)
	status, err := strconv.Atoi(text(custom, "ResponseCode"))
	if fetched.Status == 0 || fetched.Status == http.StatusOK {
		fetched.Status = status
	}
	if err != nil {
		fetched.Status = answer.Status
	}
	fetched.Share, fetched.Took = answer.Share, answer.Took
	fetched.Header = maps.Clone(fetched.Header)
	return fetched
}
