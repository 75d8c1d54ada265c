// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"hash/fnv"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Traffic is what viewers ask of a distribution in every minute.
type Traffic struct {
	RequestsPerMinute float64
	Paths             []Path          // empty: the root alone
	Regions           []Region        // where viewers are; empty: us-east-1 alone
	Noise             float64         // how much a minute's requests may differ, as 0.1
	Background        map[int]float64 // status → the share of requests that always get it, as 404: 0.002
	Since             time.Time       // no traffic before; zero: there always was
}

// Path is a path and its share of the requests; shares are relative to each other.
type Path struct {
	Path  string
	Share float64
	Bytes float64 // of one answer; 0: 20,000
}

// Region is a Region of regional edge caches and its share of the viewers.
type Region struct {
	Name  string
	Share float64
}

// SetTraffic sets a distribution's traffic.
func (s *Service) SetTraffic(id string, traffic Traffic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.distributions[id]; d != nil {
		d.traffic, d.minutes = traffic, map[int64]*minute{}
	}
}

// minute is what a minute's traffic came to.
type minute struct {
	requests  float64
	status    map[int]float64
	down, up  float64
	latency   float64 // milliseconds, the sum over requests
	slowest   float64
	lambda    map[string]*lambdaUse // by Region
	functions map[string]float64    // answers of CloudFront Functions by their word in x-cache
}

// lambdaUse is what a Region's Lambda saw.
type lambdaUse struct {
	invocations, errors, throttles float64
	duration, longest, concurrency float64
}

// Minute is part of kernel.Source: the datum follows from the edge and the configuration as deployed in that minute.
func (s *Service) Minute(metric kernel.Metric, at time.Time) (kernel.Datum, bool) {
	read := readers[metric.Namespace]
	if read == nil {
		return kernel.Datum{}, false
	}
	return read(s, metric, at)
}

// readers are the namespaces that traffic shows in.
var readers = map[string]func(*Service, kernel.Metric, time.Time) (kernel.Datum, bool){
	"AWS/CloudFront": (*Service).cloudfrontDatum,
	"AWS/Lambda":     (*Service).lambdaDatum,
}

// cloudfrontDatum answers in us-east-1 only, and only with the dimensions that CloudFront's metrics have.
func (s *Service) cloudfrontDatum(metric kernel.Metric, at time.Time) (kernel.Datum, bool) {
	dimensions := maps.Clone(metric.Dimensions)
	id, function := dimensions["DistributionId"], dimensions["FunctionName"]
	if metric.Region != "us-east-1" || dimensions["Region"] != "Global" || id == "" {
		return kernel.Datum{}, false
	}
	m, d := s.minute(id, at)
	if m == nil {
		return kernel.Datum{}, false
	}
	if function != "" {
		return m.functionDatum(d, function, metric.Name)
	}
	if series, ok := basicSeries[metric.Name]; ok && len(dimensions) == 2 {
		return series(m), true
	}
	if series, ok := additionalSeries[metric.Name]; ok && len(dimensions) == 2 && d.d.monitoring {
		return series(m), true
	}
	return kernel.Datum{}, false
}

// basicSeries are free, additionalSeries exist only with a monitoring subscription.
var (
	basicSeries = map[string]func(*minute) kernel.Datum{
		"Requests":        func(m *minute) kernel.Datum { return total(m.requests, m.requests) },
		"BytesDownloaded": func(m *minute) kernel.Datum { return total(m.down, m.requests) },
		"BytesUploaded":   func(m *minute) kernel.Datum { return total(m.up, m.requests) },
		"4xxErrorRate":    func(m *minute) kernel.Datum { return m.rate(400, 499) },
		"5xxErrorRate":    func(m *minute) kernel.Datum { return m.rate(500, 599) },
		"TotalErrorRate":  func(m *minute) kernel.Datum { return m.rate(400, 599) },
	}
	additionalSeries = map[string]func(*minute) kernel.Datum{
		"401ErrorRate": func(m *minute) kernel.Datum { return m.rate(401, 401) },
		"403ErrorRate": func(m *minute) kernel.Datum { return m.rate(403, 403) },
		"404ErrorRate": func(m *minute) kernel.Datum { return m.rate(404, 404) },
		"502ErrorRate": func(m *minute) kernel.Datum { return m.rate(502, 502) },
		"503ErrorRate": func(m *minute) kernel.Datum { return m.rate(503, 503) },
		"504ErrorRate": func(m *minute) kernel.Datum { return m.rate(504, 504) },
		"CacheHitRate": func(m *minute) kernel.Datum { return m.percent(0.86 * m.share(200, 399)) },
		"OriginLatency": func(m *minute) kernel.Datum {
			return kernel.Datum{Sum: m.latency, Count: m.requests, Min: 5, Max: m.slowest}
		},
	}
)

func total(sum, count float64) kernel.Datum {
	return kernel.Datum{Sum: sum, Count: max(count, 1), Min: 0, Max: sum}
}

func (m *minute) share(from, to int) float64 {
	n := 0.0
	for status, count := range m.status {
		if status >= from && status <= to {
			n += count
		}
	}
	if m.requests == 0 {
		return 0
	}
	return n / m.requests
}

func (m *minute) rate(from, to int) kernel.Datum { return m.percent(m.share(from, to)) }

// percent is a rate over the minute's requests: CloudWatch weighs each request alike.
func (m *minute) percent(share float64) kernel.Datum {
	datum := kernel.Datum{Sum: 100 * share * m.requests, Count: m.requests}
	if share > 0 {
		datum.Max = 100
	}
	if share >= 1 {
		datum.Min = 100
	}
	return datum
}

// functionDatum is a CloudFront Function's metric, 0 where it runs and nothing happened.
func (m *minute) functionDatum(d *past, function, name string) (kernel.Datum, bool) {
	if !strings.Contains(strings.Join(idsOf(allAssociations(d.d.live().config, "FunctionAssociations"), "FunctionARN"), " ")+" ", ":function/"+function+" ") {
		return kernel.Datum{}, false
	}
	values := map[string]float64{
		"FunctionInvocations": m.requests, "FunctionExecutionErrors": m.functions["FunctionExecutionError"],
		"FunctionThrottles": m.functions["FunctionThrottledError"], "FunctionValidationErrors": 0,
	}
	if name == "FunctionComputeUtilization" {
		return kernel.Datum{Sum: 12 * m.requests, Count: m.requests, Min: 8, Max: 21}, true
	}
	value, known := values[name]
	return total(value, m.requests), known
}

func allAssociations(config map[string]any, member string) []any {
	var all []any
	for _, b := range allBehaviours(config) {
		all = append(all, items(b, member)...)
	}
	return all
}

// lambdaDatum is a Lambda@Edge replica's metric in the Region that ran it, or the Region's account-wide one.
func (s *Service) lambdaDatum(metric kernel.Metric, at time.Time) (kernel.Datum, bool) {
	name, replica := strings.CutPrefix(metric.Dimensions["FunctionName"], "us-east-1.")
	if len(metric.Dimensions) > 0 && !replica {
		return kernel.Datum{}, false
	}
	var sum lambdaUse
	found := false
	for _, id := range s.ids() {
		m, p := s.minute(id, at)
		if m == nil || m.lambda[metric.Region] == nil || (len(metric.Dimensions) > 0 && !p.runs(name)) {
			continue
		}
		found = true
		sum.add(*m.lambda[metric.Region])
	}
	read := lambdaSeries[metric.Name]
	if !found || read == nil || len(metric.Dimensions) == 0 && !accountWide[metric.Name] {
		return kernel.Datum{}, false
	}
	return read(&sum), true
}

var accountWide = names("Invocations Errors Throttles Duration ConcurrentExecutions UnreservedConcurrentExecutions")

var lambdaSeries = map[string]func(*lambdaUse) kernel.Datum{
	"Invocations": func(u *lambdaUse) kernel.Datum { return total(u.invocations, u.invocations) },
	"Errors":      func(u *lambdaUse) kernel.Datum { return total(u.errors, u.invocations) },
	"Throttles":   func(u *lambdaUse) kernel.Datum { return total(u.throttles, u.throttles) },
	"Duration": func(u *lambdaUse) kernel.Datum {
		return kernel.Datum{Sum: u.duration, Count: max(u.invocations, 1), Min: 1, Max: u.longest}
	},
	"ConcurrentExecutions":           peak,
	"UnreservedConcurrentExecutions": peak,
}

func peak(u *lambdaUse) kernel.Datum {
	return kernel.Datum{Sum: u.concurrency, Count: 1, Min: u.concurrency, Max: u.concurrency}
}

func (u *lambdaUse) add(other lambdaUse) {
	u.invocations += other.invocations
	u.errors += other.errors
	u.throttles += other.throttles
	u.duration += other.duration
	u.longest = max(u.longest, other.longest)
	u.concurrency = max(u.concurrency, other.concurrency)
}

// runs says whether the distribution has a Lambda@Edge function of that name, or any where the name is empty.
func (p *past) runs(name string) bool {
	for _, arn := range idsOf(allAssociations(p.d.live().config, "LambdaFunctionAssociations"), "LambdaFunctionARN") {
		if name == "" || strings.Contains(arn, ":function:"+name+":") {
			return true
		}
	}
	return false
}

func (s *Service) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.distributions))
}

// minute is what a distribution's traffic came to in the minute that begins at, nil where there is none or it is not over.
func (s *Service) minute(id string, at time.Time) (*minute, *past) {
	s.mu.Lock()
	d := s.distributions[id]
	if d == nil || d.traffic.RequestsPerMinute <= 0 || at.Before(d.traffic.Since) || at.Add(time.Minute).After(s.world.Clock.Now()) {
		s.mu.Unlock()
		return nil, nil
	}
	p, known := d.snapshot(), d.minutes[at.Unix()/60]
	s.mu.Unlock()
	if known != nil {
		return known, &p
	}
	m := p.compute(at.Truncate(time.Minute))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(d.versions) == len(p.versions) { // not changed in the meantime
		d.minutes[at.Unix()/60] = m
	}
	return m, &p
}

// compute asks the edge once for each path and Region, in the middle of the minute.
func (p *past) compute(at time.Time) *minute {
	t := p.d.traffic
	noise := 1 + t.Noise*spread(p.d.id, at)
	m := &minute{requests: math.Round(t.RequestsPerMinute * noise), status: map[int]float64{}, lambda: map[string]*lambdaUse{}, functions: map[string]float64{}}
	paths, regions := t.visited()
	whole := 0.0
	for _, path := range paths {
		for _, region := range regions {
			whole += path.Share * region.Share
		}
	}
	for _, path := range paths {
		for _, region := range regions {
			if whole > 0 {
				p.visit(m, at.Add(30*time.Second), path, region.Name, m.requests*path.Share*region.Share/whole)
			}
		}
	}
	for status, share := range t.Background {
		moved := m.status[http.StatusOK] * share
		m.status[http.StatusOK] -= moved
		m.status[status] += moved
	}
	return m
}

// visit adds n requests for a path from a Region.
func (p *past) visit(m *minute, at time.Time, path Path, region string, n float64) {
	answer, _ := p.ask(at, region, p.request(path.Path))
	if answer.Drop {
		m.requests -= n
		return
	}
	hit := n
	if answer.Share > 0 && answer.Share < 1 {
		hit = n * answer.Share
	}
	bytes := path.Bytes
	if bytes == 0 {
		bytes = 20_000
	}
	took := answer.Took
	if took == 0 {
		took = 80 * time.Millisecond
	}
	milliseconds := float64(took.Milliseconds())
	m.status[answer.Status] += hit
	m.status[http.StatusOK] += n - hit
	m.down += (n-hit)*bytes + hit*float64(max(len(answer.Body), 500))
	m.up += n * 400
	m.latency += n * milliseconds
	m.slowest = max(m.slowest, 4*milliseconds)
	word, _, _ := strings.Cut(answer.XCache, " ")
	m.functions[word] += hit
	p.useLambda(m, answer, region, word, n, hit, milliseconds)
}

// useLambda adds what the requests did to the Region's Lambda pool.
func (p *past) useLambda(m *minute, answer EdgeAnswer, region, word string, n, hit, milliseconds float64) {
	if answer.Unstarted {
		n, hit = n-hit, 0
	}
	if !p.runs("") || n <= 0 {
		return
	}
	use := lambdaUse{invocations: n, duration: n * milliseconds, longest: 3 * milliseconds, concurrency: math.Ceil(n / 60 * milliseconds / 1000)}
	switch word {
	case "LambdaLimitExceeded":
		use.invocations, use.throttles, use.duration = n-hit, hit, (n-hit)*milliseconds
	case "LambdaExecutionError":
		use.errors = hit
	}
	if answer.Concurrency > 0 {
		use.concurrency = answer.Concurrency
	}
	if m.lambda[region] == nil {
		m.lambda[region] = &lambdaUse{}
	}
	m.lambda[region].add(use)
}

// spread is a number from -1 to 1 that is the same for the same distribution and minute.
func spread(id string, at time.Time) float64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(id + strconv.FormatInt(at.Unix()/60, 10))) // never fails
	return float64(sum.Sum64()%2001)/1000 - 1
}

// Metrics is part of kernel.Source.
func (s *Service) Metrics() []kernel.Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []kernel.Metric
	for id, d := range s.distributions {
		if d.traffic.RequestsPerMinute <= 0 {
			continue
		}
		series := slices.Collect(maps.Keys(basicSeries))
		if d.monitoring {
			series = append(series, slices.Collect(maps.Keys(additionalSeries))...)
		}
		for _, name := range series {
			dimensions := map[string]string{"DistributionId": id, "Region": "Global"}
			list = append(list, kernel.Metric{Region: "us-east-1", Namespace: "AWS/CloudFront", Name: name, Dimensions: dimensions})
		}
	}
	return list
}
