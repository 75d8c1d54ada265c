// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// logView is what the logs say about the rows that fail with the status in question.
type logView struct {
	read      bool
	failing   []incident.LogGroup
	rows      float64            // failing rows since the onset
	total     float64            // all rows since the onset
	kinds     map[string]float64 // share of the failing rows by kind, from 0 to 1
	fast      float64            // share of the failing rows whose first byte came within 10 ms: the edge answered by itself
	slow      float64            // share with a first byte after 28 to 31.5 s
	missed    float64            // share of all rows for which an origin was asked
	strange   float64            // share of kinds that are in no list
	topEdge   float64            // share of the failing rows at one edge location
	topEdges  float64            // at three edge locations
	edge      string
	allTop    float64 // share of all rows at the busiest edge location
	topClient float64
	client    string
	clients   int
	firstFail time.Time
	lastFail  time.Time
}

// kinds of rows: x-edge-detailed-result-type, x-edge-result-type and x-edge-response-result-type in lower case, the first
// of them that says more than "Error". Values that are not in this list are kinds of their own and speak for nothing.
const (
	kindError       = "error"
	kindOriginError = "originerror"
)

// knownKinds are the values that the guide documents or that were seen in practice [facts 2.5].
const knownKinds = " error originerror abortedorigin clientcommerror clientgeoblocked clienthunguprequest invalidrequest invalidrequestblocked" +
	" invalidrequestcertificate invalidrequestheader invalidrequestmethod origincommerror originconnecterror origincontentrangelengtherror" +
	" origindnserror originheadertoobigerror origininvalidresponseerror originreaderror originwriteerror originzerosizeobjecterror" +
	" slowreaderoriginerror lambdaexecutionerror lambdalimitexceeded lambdavalidationerror lambdageneratedresponse missgeneratedresponse" +
	" functionexecutionerror functionthrottlederror functionvalidationerror functiongeneratedresponse limitexceeded capacityexceeded" +
	" originshieldhit refreshhit redirect "

func kindOfGroup(g incident.LogGroup) string {
	for _, value := range []string{g.Detailed, g.Result, g.ResponseResult} {
		value = strings.ToLower(value)
		switch value {
		case "", "-", "error", "miss", "hit", "(other)":
		default:
			return value
		}
	}
	return kindError
}

// readLogs counts the rows that fail with the status in question since the onset.
func (v *view) readLogs(logs *incident.Logs) logView {
	out := logView{kinds: map[string]float64{}}
	if logs == nil || logs.Rows == 0 {
		return out
	}
	out.read = true
	edges, clients, all := map[string]float64{}, map[string]float64{}, map[string]float64{}
	timed := 0.0
	for _, g := range logs.Groups {
		n := v.since(g)
		out.total += n
		addTally(all, g.Edges, 1)
		if !strings.Contains(strings.ToLower(g.Result), "hit") && g.Status >= 200 {
			out.missed += n
		}
		if !v.fails(g) || n == 0 {
			continue
		}
		out.failing = append(out.failing, g)
		out.rows += n
		out.kinds[kindOfGroup(g)] += n
		part := n / float64(g.Count)
		addTally(edges, g.Edges, part)
		addTally(clients, g.Clients, part)
		out.clients = max(out.clients, g.Clients.Distinct)
		timed += float64(g.FirstByte.Total)
		for i, c := range g.FirstByte.Counts {
			switch {
			case i <= 2:
				out.fast += float64(c)
			case i == 14:
				out.slow += float64(c)
			}
		}
		out.span(g)
	}
	out.missed /= max(1, out.total)
	out.shares(timed, edges, clients, all)
	return out
}

// fails says whether a group's rows are those in question.
func (v *view) fails(g incident.LogGroup) bool {
	if v.status.code >= 500 {
		return g.Status == v.status.code
	}
	return g.Status >= 500
}

func (l *logView) span(g incident.LogGroup) {
	for _, m := range g.Minutes {
		if l.firstFail.IsZero() || m.At.Before(l.firstFail) {
			l.firstFail = m.At
		}
		if m.At.After(l.lastFail) {
			l.lastFail = m.At
		}
	}
}

func (l *logView) shares(timed float64, edges, clients, all map[string]float64) {
	if l.rows == 0 {
		return
	}
	for kind := range l.kinds {
		l.kinds[kind] /= l.rows
		if !strings.Contains(knownKinds, " "+kind+" ") {
			l.strange += l.kinds[kind]
		}
	}
	if timed > 0 {
		l.fast /= timed
		l.slow /= timed
	}
	l.edge, l.topEdge, l.topEdges = concentration(edges)
	l.client, l.topClient, _ = concentration(clients)
	_, l.allTop, _ = concentration(all)
}

func addTally(into map[string]float64, t incident.Tally, part float64) {
	for _, c := range t.Top {
		into[c.Value] += part * float64(c.Count)
	}
}

// concentration is the most frequent value, its share, and the share of the three most frequent ones.
func concentration(counts map[string]float64) (top string, one, three float64) {
	sum := 0.0
	best := [3]float64{}
	for value, n := range counts {
		sum += n
		switch {
		case n > best[0] || n == best[0] && value < top:
			best, top = [3]float64{n, best[0], best[1]}, value
		case n > best[1]:
			best[1], best[2] = n, best[1]
		case n > best[2]:
			best[2] = n
		}
	}
	if sum == 0 {
		return "", 0, 0
	}
	return top, best[0] / sum, (best[0] + best[1] + best[2]) / sum
}

// share is the part of the failing rows that are of one of the kinds.
func (l logView) share(kinds ...string) float64 {
	sum := 0.0
	for _, kind := range kinds {
		sum += l.kinds[kind]
	}
	return sum
}

// enough says whether there are enough failing rows to speak.
func (l logView) enough() bool { return l.read && l.rows >= 3 }
