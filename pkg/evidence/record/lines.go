// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/accesslog"
	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

const (
	mostBody      = 64 << 10 // of a probe's answer
	mostWAFGroups = 1024
)

// statusLine is an HTTP answer's first line; HTTP/2 and HTTP/3 have no reason.
var statusLine = pattern.Lazily(`^HTTP/[0-9.]+ +([0-9]{3})\b`)

func (r *reader) probe(_ string, content []byte) error {
	answer, err := parseProbe(content)
	if err == nil {
		r.ev.Probe = &answer
	}
	return err
}

// attempt reads one of several tries.
func (r *reader) attempt(_ string, content []byte) error {
	answer, err := parseProbe(content)
	if err == nil {
		r.ev.Probes = append(r.ev.Probes, answer)
	}
	return err
}

// parseProbe reads what `curl -si` prints. Answers before the last one (100 Continue, a proxy's) are passed over. What was
// asked for and when may stand among the headers.
//
//	x-cf503-url: https://www.example.com/
//	x-cf503-at: 2026-03-03T21:33:28Z
func parseProbe(content []byte) (incident.Probe, error) {
	cut := cutShort(string(content))
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	if strings.TrimSpace(text) == "" {
		return incident.Probe{}, fmt.Errorf("empty: no answer was kept: %w", errNothing)
	}
	for {
		head, body, _ := strings.Cut(text, "\n\n")
		match := statusLine().FindStringSubmatch(strings.TrimLeft(head, "\n "))
		if match == nil {
			return incident.Probe{}, fmt.Errorf("no status line: %w", errNothing)
		}
		if statusLine().MatchString(strings.TrimLeft(body, "\n ")) {
			text = strings.TrimLeft(body, "\n ")
			continue
		}
		status, _ := strconv.Atoi(match[1])
		p := incident.Probe{Status: status, Headers: headers(head), Body: body[:min(len(body), mostBody)], Cut: cut}
		p.URL = p.Headers["x-cf503-url"]
		p.At, _ = time.Parse(time.RFC3339, p.Headers["x-cf503-at"])
		return p, nil
	}
}

// cutShort says whether the last answer ends before its headers do, or before as many bytes of the body as they promise. A
// body that was compressed on its way is not measured; one whose line ends were changed is given them back.
func cutShort(content string) bool {
	head, body, whole := strings.Cut(content, "\r\n\r\n")
	if !whole {
		head, body, whole = strings.Cut(content, "\n\n")
	}
	switch next := strings.TrimLeft(body, "\r\n "); {
	case !whole:
		return true
	case statusLine().MatchString(next):
		return cutShort(next)
	}
	sent := headers(strings.ReplaceAll(head, "\r\n", "\n"))
	length, err := strconv.Atoi(sent["content-length"])
	lineEnds := strings.Count(body, "\n") - strings.Count(body, "\r\n")
	return err == nil && sent["content-encoding"] == "" && len(body)+lineEnds < length
}

// compared are the headers by which answers to the same request are told apart.
var compared = []string{"x-cache", "x-amz-cf-pop", "server"}

// differences says of each URL that was tried more than once in what its answers differ. An answer that comes from
// another edge, or differs from try to try, is the mark of a failure that comes and goes.
func differences(tries []incident.Probe) []incident.Fact {
	byURL := map[string][]incident.Probe{}
	for _, p := range tries {
		byURL[p.URL] = append(byURL[p.URL], p)
	}
	var facts []incident.Fact
	for _, url := range slices.Sorted(maps.Keys(byURL)) {
		list := byURL[url]
		told := differing("status", list, func(p incident.Probe) string { return strconv.Itoa(p.Status) })
		for _, name := range compared {
			told = append(told, differing(name, list, func(p incident.Probe) string { return p.Headers[name] })...)
		}
		if len(told) > 0 {
			facts = append(facts, found(incident.Fact{Source: "probes", Fact: fmt.Sprintf("%d tries of %s differ: %s", len(list), url, strings.Join(told, "; "))}))
		}
	}
	return facts
}

// differing lists the values of tries where they are not all the same.
func differing(name string, list []incident.Probe, value func(incident.Probe) string) []string {
	var values []string
	for _, p := range list {
		values = append(values, cmp.Or(value(p), "none"))
	}
	if !slices.ContainsFunc(values, func(v string) bool { return v != values[0] }) {
		return nil
	}
	return []string{name + " " + strings.Join(values, ", ")}
}

// headers are an answer's headers by their names in lower case; of a repeated one the first counts.
func headers(head string) map[string]string {
	out := map[string]string{}
	for i, line := range strings.Split(head, "\n") {
		name, value, ok := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, known := out[name]; i > 0 && ok && !known && len(out) < 200 && name != "set-cookie" {
			out[name] = incident.Line(value, 500)
		}
	}
	return out
}

// wafRecord is one AWS WAF log record [AWS WAF Developer Guide, "Log fields"].
type wafRecord struct {
	Timestamp                                               loose
	WebACLID                                                string `json:"webaclId"`
	TerminatingRuleID, Action, HTTPSourceName, HTTPSourceID string
	ResponseCodeSent                                        loose
}

// waf counts AWS WAF log records.
func (r *reader) waf(_ string, content []byte) error {
	log := incident.WAFLog{}
	index := map[wafKey]int{}
	var minutes []map[int64]int64
	for line := range bytes.Lines(content) {
		var record wafRecord
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if json.Unmarshal(line, &record) != nil || record.Action == "" {
			log.Damaged++
			continue
		}
		log.Records++
		i, known := groupOf(&log, index, record)
		if !known {
			minutes = append(minutes, map[int64]int64{})
		}
		if i >= 0 {
			log.Groups[i].Count++
			minutes[i][int64(record.Timestamp.number())/60_000]++
		}
	}
	for i := range log.Groups {
		log.Groups[i].Minute = byMinute(minutes[i])
	}
	r.ev.WAF = &log
	if log.Damaged > 0 {
		return fmt.Errorf("%d of %d records cannot be understood", log.Damaged, log.Damaged+log.Records)
	}
	return nil
}

// wafKey makes a comparable key of a group.
type wafKey = struct{ acl, source, id, rule, action, status string }

func groupOf(log *incident.WAFLog, index map[wafKey]int, record wafRecord) (int, bool) {
	key := wafKey{record.WebACLID, record.HTTPSourceName, record.HTTPSourceID, record.TerminatingRuleID, record.Action, string(record.ResponseCodeSent)}
	if i, known := index[key]; known {
		return i, true
	}
	if len(log.Groups) >= mostWAFGroups {
		return -1, true
	}
	index[key] = len(log.Groups)
	log.Groups = append(log.Groups, incident.WAFGroup{
		WebACL: incident.Line(key.acl, 200), Source: incident.Line(key.source, 20), ID: incident.Line(key.id, 200),
		Rule: incident.Line(key.rule, 128), Action: strings.ToUpper(key.action), Status: int(record.ResponseCodeSent.number()),
	})
	return len(log.Groups) - 1, false
}

func byMinute(counts map[int64]int64) []incident.MinuteCount {
	var out []incident.MinuteCount
	for minute, n := range counts {
		if minute > 0 && len(out) < 10_000 {
			out = append(out, incident.MinuteCount{At: time.Unix(minute*60, 0).UTC(), Count: n})
		}
	}
	slices.SortFunc(out, func(a, b incident.MinuteCount) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) })
	return out
}

// accessLogs counts the log objects: the distribution's, and apart from them its staging distribution's. An object that
// another distribution's id stands before is left out.
func (r *reader) accessLogs() {
	names := r.list("access-logs")
	if _, err := fs.Stat(r.files, "access-logs"); err != nil {
		return
	}
	own, staging := r.counter(r.ev.Live.Config), r.counter(nil)
	stagingID := ""
	if s := r.ev.Staging; s != nil && s.Distribution != nil {
		stagingID = s.Distribution.ID
		staging = r.counter(s.Distribution.Config)
	}
	for _, name := range names {
		switch id := ownerOf(name); {
		case id == "" || id == r.ev.Distribution:
			r.accessLog(own, name)
		case id == stagingID:
			r.accessLog(staging, name)
		default:
			r.gap("access-logs/"+incident.Line(name, 80), "belongs to another distribution")
		}
	}
	logs, stagingLogs := own.Logs(), staging.Logs()
	if stagingLogs.Objects > 0 {
		r.ev.StagingLogs = &stagingLogs
		r.ev.Read = append(r.ev.Read, "staging access-logs")
	}
	if logs.Objects == 0 && stagingLogs.Objects > 0 {
		return // the staging distribution's rows alone say nothing of the distribution's own
	}
	r.ev.Logs = &logs
	r.ev.Read = append(r.ev.Read, "access-logs")
	if logs.Damaged > 0 {
		r.gap("access-logs", fmt.Sprintf("%d rows cannot be understood", logs.Damaged))
	}
}

// owner is the distribution's id before a log object's date: E2EXAMPLE.2026-03-03-21.2ce1ccab.gz.
var owner = pattern.Lazily(`^(E[A-Z0-9]{9,15})\.`)

func ownerOf(name string) string {
	if match := owner().FindStringSubmatch(name); match != nil {
		return match[1]
	}
	return ""
}

func (r *reader) counter(config json.RawMessage) *accesslog.Counter {
	parsed, err := distribution.Parse(config)
	if err != nil || len(parsed.Behaviors()) < 2 {
		return accesslog.New(nil)
	}
	return accesslog.New(func(path string) string { return parsed.Match(path).PathPattern })
}

func (r *reader) accessLog(counter *accesslog.Counter, name string) {
	file, err := r.open("access-logs/" + name)
	if err == nil {
		err = errors.Join(counter.Read(file), file.Close())
	}
	if err != nil {
		r.gap("access-logs/"+incident.Line(name, 80), "damaged; what came before is counted: "+err.Error())
	}
}
