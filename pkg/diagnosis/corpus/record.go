// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

func text(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%q", err.Error())
	}
	return string(out)
}

// stamp is a time in either of the CLI's shapes.
func stamp(r *rand.Rand, at time.Time) string {
	if r.IntN(2) == 0 {
		return at.UTC().Format("2006-01-02T15:04:05Z")
	}
	return at.UTC().Format("2006-01-02T15:04:05+00:00")
}

// record writes the folder.
func (w *world) record() map[string][]byte {
	files := map[string][]byte{}
	put := func(name string, value any) { files[name] = []byte(text(value)) }
	metric := "5xxErrorRate"
	if w.additional && w.fail.status == 503 {
		metric = "503ErrorRate"
	}
	put("incident.json", object{
		"format": 1, "distributionId": w.dist, "accountId": w.account, "alarmAt": w.alarm.Format("2006-01-02T15:04:05.000Z"),
		"collectedAt": w.collected.Format(time.RFC3339), "alarmMetric": metric,
	})
	config := w.config()
	put("distribution.json", w.distribution(w.dist, config))
	if !w.noBaseline && w.baseline != nil {
		good := w.config()
		w.baseline(good)
		put("baseline.json", object{"ETag": "E" + token(w.r, upper, 13), "DistributionConfig": good})
	}
	if !w.noMetrics {
		w.viewerMetrics()
		for _, region := range slices.Sorted(maps.Keys(w.series)) {
			put("metrics/"+region+".json", w.metricsFile(w.series[region]))
		}
	}
	w.state(put)
	if !w.noProbe && w.probe != "" {
		files["probe.http"] = []byte(w.probe)
	}
	if !w.noLogs {
		w.logs(files)
	}
	return files
}

// state writes what is no metric.
func (w *world) state(put func(string, any)) {
	for name, event := range w.health {
		put("health/"+name+".json", event)
	}
	for region, list := range w.quotas {
		put("service-quotas/"+region+".json", object{"Quotas": list})
	}
	if !w.noTrail {
		w.calls["us-east-1"] = append(w.calls["us-east-1"], []object{}...)
		for region, list := range w.calls {
			list = slices.Clone(list)
			slices.SortFunc(list, func(a, b object) int {
				return strings.Compare(b["EventTime"].(string)[:19], a["EventTime"].(string)[:19])
			})
			put("cloudtrail/"+region+".json", object{"Events": list})
		}
	}
	if w.noState {
		return
	}
	for region, file := range w.elbv2 {
		put("elbv2/"+region+".json", file)
	}
	if len(w.acls) > 0 {
		put("wafv2/"+w.region+".json", object{"Resources": w.acls})
	}
	for region, file := range w.elb {
		put("elb/"+region+".json", file)
	}
	for region, file := range w.lambda {
		put("lambda/"+region+".json", file)
	}
	if len(w.edgeCode) > 0 {
		put("cloudfront/functions.json", object{"Functions": w.edgeCode})
	}
	if w.staging != nil {
		put("cloudfront/staging.json", w.staging)
	}
}

// viewerMetrics are the distribution's own metrics.
func (w *world) viewerMetrics() {
	dims := []string{"DistributionId", w.dist, "Region", "Global"}
	w.count("us-east-1", "AWS/CloudFront", "Requests", true, w.requests, dims...)
	w.count("us-east-1", "AWS/CloudFront", "BytesDownloaded", true, func(at time.Time) float64 { return w.bytesEach() * w.requests(at) }, dims...)
	w.count("us-east-1", "AWS/CloudFront", "BytesUploaded", true, func(at time.Time) float64 { return 600 * w.requests(at) }, dims...)
	percent := func(at time.Time) float64 { return 100 * w.failing(at) / max(1, w.requests(at)) }
	rate := func(name string, of func(time.Time) float64) {
		w.measure("us-east-1", "AWS/CloudFront", name, "Average", false, of, dims...)
	}
	rate("5xxErrorRate", func(at time.Time) float64 { return percent(at) + 100*w.background*hash(at.Unix()+9)*2 })
	gone := 1.0
	if len(w.errors) > 0 && w.errors[0]["ResponseCode"] == "503" {
		gone = 0.05
	}
	rate("4xxErrorRate", func(at time.Time) float64 {
		return (1.5 + hash(at.Unix()+1)) * (1 - 0.99*w.share*w.level(at)) * (1 - (1-gone)*w.level(at))
	})
	for _, status := range []int{502, 503, 504} {
		name := fmt.Sprintf("%dErrorRate", status)
		switch {
		case !w.additional:
			rate(name, func(time.Time) float64 { return math.NaN() })
		case status == w.fail.status:
			rate(name, percent)
		case status == 502:
			rate(name, func(at time.Time) float64 { return 100 * w.background * hash(at.Unix()+9) * 2 })
		default:
			rate(name, zero)
		}
	}
}

func (w *world) bytesEach() float64 { return 40_000 }

// metricsFile writes queries and results, in either order of time.
func (w *world) metricsFile(list []series) object {
	queries, results := []any{}, []any{}
	minutes := w.minutes()
	descending := w.r.IntN(2) == 0
	utc := w.r.IntN(2) == 0
	for i, s := range list {
		id := fmt.Sprintf("q%d", i)
		dimensions := []object{}
		for d := 0; d+1 < len(s.dimensions); d += 2 {
			dimensions = append(dimensions, object{"Name": s.dimensions[d], "Value": s.dimensions[d+1]})
		}
		queries = append(queries, object{"Id": id, "ReturnData": true, "MetricStat": object{
			"Metric": object{"Namespace": s.namespace, "MetricName": s.name, "Dimensions": dimensions}, "Period": 60, "Stat": s.stat,
		}})
		stamps, values := []string{}, []float64{}
		for m, value := range s.values {
			if !math.IsNaN(value) {
				stamps, values = append(stamps, minuteText(minutes[m], utc)), append(values, value)
			}
		}
		if descending {
			slices.Reverse(stamps)
			slices.Reverse(values)
		}
		results = append(results, object{"Id": id, "Label": s.name, "StatusCode": "Complete", "Timestamps": stamps, "Values": values})
	}
	w.r.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	return object{"MetricDataQueries": queries, "MetricDataResults": results}
}

func minuteText(at time.Time, utc bool) string {
	if utc {
		return at.Format("2006-01-02T15:04:05Z")
	}
	return at.Format("2006-01-02T15:04:05+00:00")
}

var edgeNames = []string{"SYD62-P1", "LHR61-P3", "FRA60-P9", "IAD89-C3", "NRT57-P2", "GRU3-C1", "BOM78-P3", "CDG52-P4", "SIN5-C1", "DFW56-P2", "SEA73-P2", "MAD51-C1"}

var sitePaths = []string{"/", "/index.html", "/api/v1/items", "/api/v1/session", "/img/a.jpg", "/img/b%20c.png", "/assets/app.js", "/docs/start", "/search"}

// logs writes one or two log objects.
func (w *world) logs(files map[string][]byte) {
	fields := strings.Fields("date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) " +
		"x-edge-result-type x-edge-request-id x-host-header cs-protocol time-taken x-edge-response-result-type c-port time-to-first-byte " +
		"x-edge-detailed-result-type sc-content-type sc-content-len cs-uri-query ssl-protocol")
	if w.r.IntN(2) == 0 {
		w.r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	}
	var out strings.Builder
	if !w.jsonLogs {
		if w.r.IntN(2) == 0 {
			out.WriteString("#Version: 1.0\n")
		}
		out.WriteString("#Fields: " + strings.Join(fields, " ") + "\n")
	}
	rows := 250 + w.r.IntN(600)
	window := w.collected.Add(-2 * time.Minute).Sub(w.onset.Add(-15 * time.Minute))
	for range rows {
		at := w.onset.Add(-15 * time.Minute).Add(time.Duration(w.r.Float64() * float64(window)))
		w.row(&out, fields, at)
	}
	name := fmt.Sprintf("access-logs/%s.%s.%s.gz", w.dist, w.onset.Format("2006-01-02-15"), token(w.r, hexes, 8))
	files[name] = zip(out.String())
}

func zip(s string) []byte {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, _ = writer.Write([]byte(s)) // a buffer takes everything
	_ = writer.Close()
	return out.Bytes()
}

// row writes one request of a time.
func (w *world) row(out *strings.Builder, fields []string, at time.Time) {
	values := map[string]string{
		"date": at.Format(time.DateOnly), "time": at.Format(time.TimeOnly), "x-edge-location": pick(w.r, edgeNames...),
		"sc-bytes": fmt.Sprint(300 + w.r.IntN(90000)), "c-ip": fmt.Sprintf("198.51.100.%d", w.r.IntN(256)), "cs-method": "GET",
		"cs(Host)": "d" + w.word + ".cloudfront.net", "cs-uri-stem": pick(w.r, sitePaths...), "x-edge-request-id": token(w.r, lower, 54) + "==",
		"x-host-header": "www." + w.word + ".example.com", "cs-protocol": "https", "c-port": fmt.Sprint(1024 + w.r.IntN(60000)),
		"cs(User-Agent)": pick(w.r, "Mozilla/5.0%20(X11;%20Linux)", "curl/8.7.1", "%3Cscript%3E%22;DROP%20TABLE"), "cs(Referer)": "-", "cs-uri-query": "-", "ssl-protocol": "TLSv1.3",
	}
	switch {
	case w.r.Float64() < w.share*w.level(at.Truncate(time.Minute)):
		w.failingRow(values, at)
	case w.r.Float64() < w.background:
		w.fill(values, failure{status: 502, result: "Error", response: "Error", detailed: "OriginConnectError", firstByte: origin}, at)
	case w.r.IntN(60) == 0:
		w.fill(values, failure{status: 0, result: "Error", response: "Miss", detailed: "ClientCommError", firstByte: origin}, at)
	case w.r.IntN(40) == 0:
		w.fill(values, failure{status: 404, result: "Error", response: "Error", detailed: "Error", firstByte: origin, contentType: "text/html", contentLength: 243}, at)
	default:
		kind := pick(w.r, "Hit", "Hit", "Hit", "Miss", "Miss", "RefreshHit")
		byte1 := quick
		if kind != "Hit" {
			byte1 = origin
		}
		w.fill(values, failure{status: 200, result: kind, response: kind, detailed: kind, firstByte: byte1, contentType: "image/jpeg", contentLength: w.r.IntN(90000)}, at)
	}
	if w.jsonLogs {
		out.WriteString(text(values) + "\n")
		return
	}
	cells := make([]string, len(fields))
	for i, field := range fields {
		cells[i] = values[field]
		if cells[i] == "" {
			cells[i] = "-"
		}
	}
	out.WriteString(strings.Join(cells, "\t") + "\n")
}

func (w *world) failingRow(values map[string]string, at time.Time) {
	f := w.fail
	if !w.failUntil.IsZero() && at.After(w.failUntil) {
		f = w.after
	}
	w.fill(values, f, at)
	if len(f.edges) > 0 {
		values["x-edge-location"] = pick(w.r, f.edges...)
	}
	if len(f.clients) > 0 {
		values["c-ip"] = pick(w.r, f.clients...)
	}
	if len(f.paths) > 0 {
		values["cs-uri-stem"] = pick(w.r, f.paths...)
	}
}

func (w *world) fill(values map[string]string, f failure, _ time.Time) {
	first := f.firstByte(w.r)
	values["sc-status"] = fmt.Sprintf("%03d", f.status)
	values["x-edge-result-type"], values["x-edge-response-result-type"], values["x-edge-detailed-result-type"] = f.result, f.response, f.detailed
	values["time-to-first-byte"], values["time-taken"] = fmt.Sprintf("%.3f", first), fmt.Sprintf("%.3f", first+0.002)
	values["sc-content-type"] = f.contentType
	if f.contentLength > 0 {
		values["sc-content-len"] = fmt.Sprint(f.contentLength)
	}
}
