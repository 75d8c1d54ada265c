// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"cloudfront503/pkg/incident"
)

// object is JSON to be.
type object = map[string]any

// failure is what failing requests look like in the logs.
type failure struct {
	status                     int
	result, response, detailed string
	firstByte                  func(*rand.Rand) float64 // seconds
	contentType                string
	contentLength              int
	edges                      []string // nil: everywhere
	clients                    []string // nil: everybody
	paths                      []string // nil: all
}

// world is everything that a record may show.
type world struct {
	r             *rand.Rand
	account, dist string
	word          string // in all names
	region        string // of the origin
	onset         time.Time
	alarm         time.Time
	collected     time.Time
	start         time.Time
	additional    bool // additional metrics are on
	shape         string
	share         float64 // of the requests fail
	base          float64 // requests a minute before the onset
	surge         float64 // times as many since the onset
	fail          failure
	failUntil     time.Time // when the origin itself recovered; zero: not yet
	after         failure   // what fails after that

	origins    []object
	groups     []object
	behaviors  []object
	errors     []object
	lambdas    []string // associations of the default behaviour
	functions  []string
	webACL     string
	policy     string
	staging    object
	baseline   func(config object)
	noBaseline bool

	series     map[string][]series // by Region
	calls      map[string][]object
	lambda     map[string]object
	elbv2, elb map[string]object
	edgeCode   []object
	quotas     map[string][]object
	health     map[string]object
	waf        []object
	acls       object // by the resource's ARN, in the Region of the world
	probe      string

	change     string
	changeAlso []string
	alsoRight  []incident.Cause

	noLogs, noProbe, noWAF, noTrail, noState, noMetrics bool
	jsonLogs                                            bool

	spare      object  // an origin group that nothing in question uses
	background float64 // part of the requests that always fails with 502
}

// series is one metric by the minute; a NaN is a minute without data.
type series struct {
	namespace, name, stat string
	dimensions            []string
	values                []float64
}

var regions = []string{"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "eu-north-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"}

func newWorld(r *rand.Rand, presentation string) *world {
	w := &world{
		r: r, account: fmt.Sprintf("%012d", 100_000_000_000+r.Int64N(800_000_000_000)), dist: "E" + token(r, upper, 13),
		word: pick(r, "shop", "news", "media", "portal", "docs", "video") + "-" + token(r, lower, 4), region: pick(r, regions...),
		series: map[string][]series{}, calls: map[string][]object{}, lambda: map[string]object{}, elbv2: map[string]object{},
		elb: map[string]object{}, quotas: map[string][]object{}, health: map[string]object{},
	}
	w.onset = time.Date(2026, time.Month(1+r.IntN(11)), 1+r.IntN(27), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC)
	w.alarm = w.onset.Add(time.Duration(2+r.IntN(6))*time.Minute + time.Duration(r.IntN(60))*time.Second)
	w.collected = w.alarm.Add(time.Duration(7+r.IntN(25)) * time.Minute)
	if presentation == "alarm-time" || presentation == "stripped" || presentation == "probe-and-metrics" {
		w.collected = w.alarm.Add(time.Duration(90+r.IntN(120)) * time.Second)
	}
	w.start = w.onset.Add(-time.Duration(55+r.IntN(30)) * time.Minute).Truncate(time.Minute)
	w.additional = r.IntN(3) > 0
	w.shape = pick(r, "step", "step", "ramp", "waves")
	w.share = between(r, 0.15, 1)
	w.base = math.Exp(between(r, math.Log(60), math.Log(40_000)))
	w.surge = 1
	w.jsonLogs = r.IntN(4) == 0
	w.fail = failure{status: 503, result: "Error", response: "Error", detailed: "Error", firstByte: quick, contentType: "text/html", contentLength: 900 + r.IntN(200)}
	return w
}

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	lower = "abcdefghijklmnopqrstuvwxyz0123456789"
	hexes = "0123456789abcdef"
)

func token(r *rand.Rand, alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func between(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }

func (w *world) uuid() string {
	return token(w.r, hexes, 8) + "-" + token(w.r, hexes, 4) + "-4" + token(w.r, hexes, 3) + "-a" + token(w.r, hexes, 3) + "-" + token(w.r, hexes, 12)
}

// Times to the first byte.
func quick(r *rand.Rand) float64  { return between(r, 0.001, 0.008) }
func origin(r *rand.Rand) float64 { return between(r, 0.03, 0.6) }

func around(seconds float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return seconds + between(r, 0.002, 0.15) }
}

// minutes are the minutes of the evidence.
func (w *world) minutes() []time.Time {
	var out []time.Time
	for at := w.start; at.Before(w.collected.Add(-time.Minute)); at = at.Add(time.Minute) {
		out = append(out, at)
	}
	return out
}

// level is how much of the failure is there in a minute, from 0 to 1.
func (w *world) level(minute time.Time) float64 {
	into := minute.Add(time.Minute).Sub(w.onset).Minutes()
	switch {
	case into <= 0:
		return 0
	case into < 1:
		return into
	case w.shape == "ramp":
		return min(1, 0.35+into/10)
	case w.shape == "waves" && int(into)%5 == 4:
		return 0.55
	}
	return 1
}

// requests gives requests a minute; the same minute always the same.
func (w *world) requests(minute time.Time) float64 {
	noise := 0.9 + 0.2*hash(minute.Unix())
	return math.Round(w.base * noise * (1 + (w.surge-1)*w.level(minute)))
}

// hash is a number from 0 to 1 that belongs to n.
func hash(n int64) float64 {
	x := uint64(n) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return float64(x>>11) / (1 << 53)
}

// failing is how many requests fail in a minute.
func (w *world) failing(minute time.Time) float64 {
	return math.Round(w.requests(minute) * w.share * w.level(minute))
}

// count adds a counter; of gives its value a minute. Minutes of zero have no data where sparse.
func (w *world) count(region, namespace, name string, sparse bool, of func(time.Time) float64, dimensions ...string) {
	w.measure(region, namespace, name, "Sum", sparse, of, dimensions...)
}

// like is a counter that follows the failing requests.
func (w *world) like(part float64) func(time.Time) float64 {
	return func(at time.Time) float64 { return math.Round(part * w.failing(at)) }
}

// flat is a level with a little noise.
func flat(level float64) func(time.Time) float64 {
	return func(at time.Time) float64 { return level * (0.95 + 0.1*hash(at.Unix()+7)) }
}

func zero(time.Time) float64 { return 0 }

// upTo is one level before the onset and another since.
func (w *world) upTo(before, since float64) func(time.Time) float64 {
	return func(at time.Time) float64 {
		return (before + (since-before)*w.level(at)) * (0.97 + 0.06*hash(at.Unix()+3))
	}
}

func (w *world) measure(region, namespace, name, stat string, sparse bool, of func(time.Time) float64, dimensions ...string) {
	s := series{namespace: namespace, name: name, stat: stat, dimensions: dimensions}
	for _, at := range w.minutes() {
		value := of(at)
		if sparse && value == 0 {
			value = math.NaN()
		}
		s.values = append(s.values, value)
	}
	w.series[region] = append(w.series[region], s)
}

// call adds a CloudTrail event and returns its id.
func (w *world) call(region, service, name string, at time.Time, parameters, response object) string {
	id := w.uuid()
	by := "arn:aws:sts::" + w.account + ":assumed-role/" + pick(w.r, "Deployer", "Admin", "Pipeline") + "/" + pick(w.r, "ann", "ben", "cleo")
	inner := object{
		"eventVersion": "1.11", "userIdentity": object{"type": "AssumedRole", "arn": by, "accountId": w.account},
		"eventTime": at.Format(time.RFC3339), "eventSource": service + ".amazonaws.com", "eventName": name, "awsRegion": region,
		"requestParameters": parameters, "responseElements": response, "eventID": id, "readOnly": false, "eventType": "AwsApiCall",
	}
	w.calls[region] = append(w.calls[region], object{
		"EventId": id, "EventName": name, "EventTime": stamp(w.r, at), "EventSource": service + ".amazonaws.com", "ReadOnly": "false",
		"Username": by, "Resources": []any{}, "CloudTrailEvent": text(inner),
	})
	return id
}

// before is a time shortly before the onset.
func (w *world) before() time.Time {
	return w.onset.Add(-time.Duration(15+w.r.IntN(200)) * time.Second)
}

// blame makes the event the one that brought the fault about.
func (w *world) blame(id string, also ...string) { w.change, w.changeAlso = id, also }
