// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accesslog

import (
	"bytes"
	"strings"
)

// column is a field that is counted.
type column uint8

const (
	none column = iota
	date
	clockTime
	timestamp   // seconds since 1970, with or without a fraction, or RFC 3339
	timestampMS // milliseconds since 1970
	edgeLocation
	clientIP
	method
	uriStem
	scStatus
	resultType
	requestID
	hostHeader
	responseResult
	timeToFirstByte
	detailedResult
	contentType
	contentLength
	pathPattern
	originHost   // r-host
	originReason // sr-reason
	columns
)

// columnOf are the fields' names in standard logs; those with dashes only are the real-time logs' [standard-logs-reference,
// real-time-logs].
var columnOf = map[string]column{
	"date": date, "time": clockTime, "timestamp": timestamp, "timestamp(ms)": timestampMS,
	"x-edge-location": edgeLocation, "c-ip": clientIP, "cs-method": method, "cs-uri-stem": uriStem,
	"sc-status": scStatus, "x-edge-result-type": resultType, "x-edge-request-id": requestID, "x-host-header": hostHeader,
	"x-edge-response-result-type": responseResult, "time-to-first-byte": timeToFirstByte,
	"x-edge-detailed-result-type": detailedResult, "sc-content-type": contentType, "sc-content-len": contentLength,
	"cache-behavior-path-pattern": pathPattern, "r-host": originHost, "sr-reason": originReason,
}

// legacyFields are the 33 fields of the legacy form in their fixed order, for an object that lost its header.
const legacyFields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) " +
	"cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes " +
	"time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status " +
	"fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len " +
	"sc-range-start sc-range-end"

// row is one row's counted fields; a field that the log does not have is empty.
type row [columns][]byte

// layout says which column stands where.
type layout struct {
	known     bool
	columns   []column // up to the last one that is counted
	fields    int
	delimiter byte // 0: not seen yet
}

func newLayout(fields []byte) layout {
	names := strings.FieldsFunc(string(fields), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	l := layout{known: len(names) > 0, fields: len(names)}
	for i, name := range names {
		c := columnOf[strings.ToLower(name)]
		l.columns = append(l.columns, c)
		if c != none {
			l.columns = l.columns[:i+1]
		}
	}
	for len(l.columns) > 0 && l.columns[len(l.columns)-1] == none {
		l.columns = l.columns[:len(l.columns)-1]
	}
	return l
}

func legacyLayout() layout { return newLayout([]byte(legacyFields)) }

// delimiters are what v2 offers as fieldDelimiter [CreateDelivery]; the legacy form has tabs.
const delimiters = "\t ,;|"

// split finds the row's counted fields. It is false where the row has too few.
func (l *layout) split(line []byte, row *row) bool {
	if l.delimiter == 0 {
		l.delimiter = l.guess(line)
	}
	rest := line
	for i, c := range l.columns {
		end := bytes.IndexByte(rest, l.delimiter)
		if end < 0 {
			row[c] = rest
			return i == len(l.columns)-1
		}
		row[c] = rest[:end]
		rest = rest[end+1:]
	}
	return len(l.columns) > 0
}

// guess takes the first delimiter that gives the row as many fields as the header names; a tab if none does.
func (l *layout) guess(line []byte) byte {
	for _, delimiter := range []byte(delimiters) {
		if bytes.Count(line, []byte{delimiter}) == l.fields-1 {
			return delimiter
		}
	}
	return '\t'
}
