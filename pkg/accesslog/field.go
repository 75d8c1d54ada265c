// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accesslog

import (
	"bytes"
	"net/url"
	"strconv"
	"time"
)

func isDash(field []byte) bool { return len(field) == 1 && field[0] == '-' }

// statusOf reads sc-status: three digits, "000" where the viewer left, "-" where nothing was sent.
func statusOf(field []byte) (int, bool) {
	if isDash(field) {
		return 0, true
	}
	if len(field) != 3 {
		return 0, false
	}
	n := 0
	for _, digit := range field {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		n = n*10 + int(digit-'0')
	}
	return n, true
}

// clock turns a row's time into minutes since 1970. Rows of one object mostly share a date, which is read once.
type clock struct {
	date    []byte
	minutes int64
}

// minute reads any of the shapes of time: date and time (UTC), timestamp(ms), timestamp.
func (c *clock) minute(row *row) (int64, bool) {
	if len(row[date]) > 0 {
		return c.dateMinute(row)
	}
	if ms := row[timestampMS]; len(ms) > 0 {
		n, err := strconv.ParseInt(string(ms), 10, 64)
		return n / 60_000, err == nil && plausible(n/60_000)
	}
	return instantMinute(row[timestamp])
}

func (c *clock) dateMinute(row *row) (int64, bool) {
	if !bytes.Equal(c.date, row[date]) {
		day, err := time.Parse(time.DateOnly, string(row[date]))
		if err != nil {
			return 0, false
		}
		c.date, c.minutes = append(c.date[:0], row[date]...), day.Unix()/60
	}
	t := row[clockTime]
	if len(t) < 5 || t[2] != ':' {
		return 0, false
	}
	hour, ok1 := twoDigits(t[0], t[1])
	minute, ok2 := twoDigits(t[3], t[4])
	return c.minutes + hour*60 + minute, ok1 && ok2 && hour < 24 && minute < 60 && plausible(c.minutes)
}

func twoDigits(a, b byte) (int64, bool) {
	return int64(a-'0')*10 + int64(b-'0'), a >= '0' && a <= '9' && b >= '0' && b <= '9'
}

// instantMinute reads seconds, milliseconds (a number too large for seconds) or RFC 3339.
func instantMinute(field []byte) (int64, bool) {
	if len(field) == 0 {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(string(field), 64); err == nil {
		if seconds > 1e11 {
			seconds /= 1000
		}
		return int64(seconds) / 60, seconds > 0 && seconds < 1e11 && plausible(int64(seconds)/60)
	}
	at, err := time.Parse(time.RFC3339, string(field))
	return at.Unix() / 60, err == nil && plausible(at.Unix()/60)
}

// plausible says whether the minute lies between 2008, when CloudFront began, and 2100.
func plausible(minute int64) bool { return minute > 19_900_000 && minute < 68_400_000 }

// millis reads seconds with a fraction, as "0.025", into whole milliseconds; -1 for anything else.
func millis(field []byte) int64 {
	n, decimals := int64(0), -1
	for _, digit := range field {
		switch {
		case digit == '.' && decimals < 0:
			decimals = 0
		case digit < '0' || digit > '9' || n > 1e12:
			return -1
		case decimals < 3:
			n = n*10 + int64(digit-'0')
			if decimals >= 0 {
				decimals++
			}
		}
	}
	if len(field) == 0 {
		return -1
	}
	for decimals = max(decimals, 0); decimals < 3; decimals++ {
		n *= 10
	}
	return n
}

// unescape undoes the log's URL-encoding; most values have none.
func unescape(field []byte) string {
	if bytes.IndexByte(field, '%') < 0 {
		return string(field)
	}
	plain, err := url.PathUnescape(string(field))
	if err != nil {
		return string(field)
	}
	return plain
}
