// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/s3"
)

// Where scenarios with logs have them delivered to.
const (
	logBucket = "shop-logs"
	logPrefix = "cdn/"
)

// logged switches a configuration's standard logs on, which go to the scenarios' bucket.
func logged(config []byte) []byte {
	return edited(config, func(c map[string]any) {
		c["Logging"] = map[string]any{"Enabled": true, "IncludeCookies": false, "Bucket": logBucket + ".s3.amazonaws.com", "Prefix": logPrefix}
	})
}

// readsLogs are the parameters of a stack that may read them.
var readsLogs = map[string]string{"LogBuckets": logBucket}

// keepsLogs makes the bucket that the logs go to.
func (r *Rehearsal) keepsLogs() { r.S3.AddBucket(s3.Bucket{Name: logBucket, Region: "us-east-1"}) }

// How much of the traffic a rehearsal's logs hold, and for how long they go on: enough to be counted.
const (
	rowsAVisit = 12
	logsBefore = 15 * time.Minute
	logsAfter  = time.Hour
)

// deliverLogs delivers the minutes before now at once, and each further minute when it is over.
func (r *Rehearsal) deliverLogs() {
	now := r.World.Clock.Now().Truncate(time.Minute)
	for at := now.Add(-logsBefore); at.Before(now); at = at.Add(time.Minute) {
		r.deliverMinute(at)
	}
	r.deliverNext(now, now.Add(logsAfter))
}

func (r *Rehearsal) deliverNext(at, until time.Time) {
	if !at.Before(until) {
		return
	}
	r.World.Clock.After(at.Add(time.Minute).Sub(r.World.Clock.Now()), "logs are delivered", func() {
		r.deliverMinute(at)
		r.deliverNext(at.Add(time.Minute), until)
	})
}

// logFields are those of the legacy form that this software's readers look at, in their order [CloudFront guide, "Standard
// log file fields"].
const logFields = "date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status x-edge-result-type x-edge-request-id " +
	"x-host-header cs-protocol time-taken x-edge-response-result-type time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"

// deliverMinute puts one object with a sample of a minute's requests.
func (r *Rehearsal) deliverMinute(at time.Time) {
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	fmt.Fprintf(zipped, "#Version: 1.0\n#Fields: %s\n", logFields)
	n := 0
	for _, visit := range r.CloudFront.Visits(Distribution, at.Add(30*time.Second)) {
		for i := range rowsAVisit {
			fmt.Fprintln(zipped, r.logRow(visit, at.Add(time.Duration(i*60/rowsAVisit)*time.Second), n, fails(visit.Answer, i)))
			n++
		}
	}
	err := zipped.Close()
	key := fmt.Sprintf("%s%s.%s.%08x.gz", logPrefix, Distribution, at.UTC().Format("2006-01-02-15"), at.Unix())
	if _, putErr := r.S3.Put(logBucket, key, text.Bytes()); err != nil || putErr != nil {
		r.World.Strict("logs of %s: %v %v", at, err, putErr)
	}
}

// fails says whether the row is of the share that gets the visit's answer.
func fails(answer cloudfront.EdgeAnswer, row int) bool {
	if answer.Share <= 0 || answer.Share >= 1 {
		return true
	}
	return row < int(math.Round(answer.Share*rowsAVisit))
}

// The edge locations that rows come from.
var edgeLocations = []string{"DUB56-P1", "LHR61-C2", "FRA56-P3", "CDG50-P1", "IAD89-P2", "ARN56-P1"}

func (r *Rehearsal) logRow(visit cloudfront.Visit, at time.Time, n int, met bool) string {
	status, result, detailed, took, length := http.StatusOK, "Miss", "Miss", 0.08, 33
	if answer := visit.Answer; met && answer.Status != http.StatusOK && answer.Status != 0 {
		status, length = answer.Status, len(answer.Body)
		result, detailed, took = resultOf(visit)
	}
	return strings.Join([]string{
		at.UTC().Format("2006-01-02"), at.UTC().Format("15:04:05"), edgeLocations[n%len(edgeLocations)], fmt.Sprintf("192.0.2.%d", 1+(n*37+int(at.Unix()/60)*13)%250), "GET",
		Alias, visit.Path, fmt.Sprint(status), result, fmt.Sprintf("%016x==", at.UnixNano()+int64(n)), Alias, "https",
		fmt.Sprintf("%.3f", took+0.001), result, fmt.Sprintf("%.3f", took), detailed, "text/html", fmt.Sprint(length),
	}, "\t")
}

// resultOf is how the edge's log calls an answer that is no success, and after how many seconds its first byte left: an
// error that the edge has kept shows as Error, one that the origin has just given as OriginError.
func resultOf(visit cloudfront.Visit) (result, detailed string, took float64) {
	answer := visit.Answer
	word, _, _ := strings.Cut(answer.XCache, " ")
	took = answer.Took.Seconds()
	switch {
	case word != "":
		return "Error", word, max(took, 0.002)
	case visit.Age > 0:
		return "Error", "Error", 0.002
	case took == 0:
		took = 0.08
	}
	return "Error", "OriginError", took
}
