// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accesslog

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// Bounds on what is kept, so that hostile logs cannot make it grow.
const (
	mostGroups   = 256  // combinations of status and result types; a real log has a dozen
	mostEdges    = 4096 // edge locations; CloudFront has some hundreds
	mostValues   = 2048 // distinct values of a tally before the rare ones are dropped
	mostShown    = 20   // values of a tally that are given back
	mostRequests = 5    // request ids kept of a group
	longestValue = 256  // bytes of a value
	minutesSpan  = 4096 // minutes around the first row that are told apart: logs come at most a day late
)

// table holds the counts.
type table struct {
	clock   clock
	recent  [4]*group // the groups of the last rows: most rows are like one of them
	groups  map[string]*group
	edges   map[string]int
	names   []string // of edges
	base    int64    // the minute that index 0 stands for
	scratch []byte
}

func newTable() table { return table{groups: map[string]*group{}, edges: map[string]int{}} }

// group counts the rows that share status and result types.
type group struct {
	status                           int
	result, response, detailed       string
	count                            int64
	ttfb                             incident.Histogram
	minutes                          []int64
	edges                            []int64
	behaviors                        tally
	clients, paths, methods, hosts   tally
	types, lengths, origins, reasons tally
	requests                         []incident.LoggedRequest
}

func (g *group) is(status int, row *row) bool {
	return g.status == status && string(row[resultType]) == g.result &&
		string(row[detailedResult]) == g.detailed && string(row[responseResult]) == g.response
}

// group finds or makes the row's group.
func (t *table) group(status int, row *row) *group {
	for i, g := range t.recent {
		if g != nil && g.is(status, row) {
			if i > 0 {
				t.recent[i], t.recent[i-1] = t.recent[i-1], t.recent[i]
			}
			return g
		}
	}
	g := t.find(status, row)
	t.recent[3] = g
	return g
}

func (t *table) find(status int, row *row) *group {
	key := append(t.scratch[:0], byte(status), byte(status>>8))
	for _, c := range []column{resultType, responseResult, detailedResult} {
		key = append(append(key, short(row[c])...), 0)
	}
	t.scratch = key
	if g, known := t.groups[string(key)]; known {
		return g
	}
	g := &group{
		status: status, result: string(short(row[resultType])),
		response: string(short(row[responseResult])), detailed: string(short(row[detailedResult])),
	}
	if len(t.groups) >= mostGroups {
		g = t.other(status)
	} else {
		t.groups[string(key)] = g
	}
	return g
}

// other is the group of all rows of a status whose own group would be one too many.
func (t *table) other(status int) *group {
	key := string([]byte{byte(status), byte(status >> 8)})
	g, known := t.groups[key]
	if !known {
		g = &group{status: status, result: "(other)", response: "(other)", detailed: "(other)"}
		t.groups[key] = g
	}
	return g
}

// mark counts the row's minute.
func (t *table) mark(g *group, minute int64) {
	if t.base == 0 {
		t.base = minute - minutesSpan/2
	}
	i := minute - t.base
	if i < 0 || i >= minutesSpan {
		return
	}
	if g.minutes == nil {
		g.minutes = make([]int64, minutesSpan)
	}
	g.minutes[i]++
}

// edge counts the row's edge location.
func (t *table) edge(g *group, name []byte) {
	if len(name) == 0 || isDash(name) {
		return
	}
	i, known := t.edges[string(name)]
	if !known {
		if len(t.names) >= mostEdges {
			return
		}
		i = len(t.names)
		t.names = append(t.names, string(short(name)))
		t.edges[string(name)] = i
	}
	for len(g.edges) <= i {
		g.edges = append(g.edges, 0)
	}
	g.edges[i]++
}

// bounds are incident.HistogramBounds in milliseconds.
var bounds = [15]int64{2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500, 4500, 9000, 19000, 28000, 31500}

func (g *group) firstByte(field []byte) {
	ms := millis(field)
	if ms < 0 {
		return
	}
	i := 0
	for i < len(bounds) && ms > bounds[i] {
		i++
	}
	g.ttfb.Counts[i]++
	g.ttfb.Total++
}

// failing counts what is kept of failing rows only.
func (g *group) failing(row *row, minute int64, hasTime bool, status int) {
	g.clients.add(row[clientIP])
	g.paths.add(row[uriStem])
	g.methods.add(row[method])
	g.hosts.add(row[hostHeader])
	g.types.add(row[contentType])
	g.lengths.add(row[contentLength])
	g.origins.add(row[originHost])
	g.reasons.add(row[originReason])
	if len(g.requests) >= mostRequests || len(row[requestID]) < 2 {
		return
	}
	request := incident.LoggedRequest{
		ID: string(short(row[requestID])), Edge: string(short(row[edgeLocation])), Status: status, Path: unescape(short(row[uriStem])),
	}
	if hasTime {
		request.At = time.Unix(minute*60, 0).UTC()
	}
	g.requests = append(g.requests, request)
}

func short(field []byte) []byte {
	if len(field) > longestValue {
		return field[:longestValue]
	}
	return field
}

// fill writes the counts into logs, the largest groups first.
func (t *table) fill(logs *incident.Logs) {
	for _, g := range t.groups {
		if g.count == 0 {
			continue
		}
		logs.Rows += g.count
		logs.Groups = append(logs.Groups, t.finished(g))
		for _, m := range logs.Groups[len(logs.Groups)-1].Minutes {
			if logs.First.IsZero() || m.At.Before(logs.First) {
				logs.First = m.At
			}
			if m.At.After(logs.Last) {
				logs.Last = m.At
			}
		}
	}
	slices.SortFunc(logs.Groups, func(a, b incident.LogGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Result, b.Result),
			cmp.Compare(a.Detailed, b.Detailed), cmp.Compare(a.ResponseResult, b.ResponseResult))
	})
}

func (t *table) finished(g *group) incident.LogGroup {
	out := incident.LogGroup{
		Status: g.status, Result: g.result, ResponseResult: g.response, Detailed: g.detailed, Count: g.count, FirstByte: g.ttfb,
		Behaviors: g.behaviors.top(), Clients: g.clients.top(), Paths: g.paths.top(), Methods: g.methods.top(),
		Hosts: g.hosts.top(), ContentTypes: g.types.top(), ContentLengths: g.lengths.top(),
		Origins: g.origins.top(), Reasons: g.reasons.top(), Requests: g.requests,
	}
	for i, n := range g.minutes {
		if n > 0 {
			out.Minutes = append(out.Minutes, incident.MinuteCount{At: time.Unix((t.base+int64(i))*60, 0).UTC(), Count: n})
		}
	}
	var edges tally
	for i, n := range g.edges {
		edges.addCount(t.names[i], n)
	}
	out.Edges = edges.top()
	return out
}

// tally counts values in bounded memory: when it is full the rare half goes, and only a frequent value comes back.
type tally struct {
	counts  map[string]int64
	total   int64
	dropped int
}

func (t *tally) add(value []byte) {
	if len(value) == 0 || isDash(value) {
		return
	}
	value = short(value)
	t.total++
	if t.counts == nil {
		t.counts = map[string]int64{}
	}
	if n, known := t.counts[string(value)]; known {
		t.counts[string(value)] = n + 1
		return
	}
	t.room()
	t.counts[string(value)] = 1
}

func (t *tally) addString(value string) { t.addCount(value, 1) }

func (t *tally) addCount(value string, n int64) {
	if value == "" || n == 0 {
		return
	}
	if t.counts == nil {
		t.counts = map[string]int64{}
	}
	if _, known := t.counts[value]; !known {
		t.room()
	}
	t.counts[value] += n
	t.total += n
}

// room drops the rarer half of a full tally.
func (t *tally) room() {
	if len(t.counts) < mostValues {
		return
	}
	all := make([]int64, 0, len(t.counts))
	for _, n := range t.counts {
		all = append(all, n)
	}
	slices.Sort(all)
	limit := all[len(all)/2]
	for value, n := range t.counts {
		if n <= limit {
			delete(t.counts, value)
			t.dropped++
		}
	}
}

func (t *tally) top() incident.Tally {
	out := incident.Tally{Distinct: len(t.counts) + t.dropped, Total: t.total}
	for value, n := range t.counts {
		out.Top = append(out.Top, incident.Count{Value: value, Count: n})
	}
	slices.SortFunc(out.Top, func(a, b incident.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), bytes.Compare([]byte(a.Value), []byte(b.Value)))
	})
	if len(out.Top) > mostShown {
		out.Top = slices.Clone(out.Top[:mostShown])
	}
	return out
}
