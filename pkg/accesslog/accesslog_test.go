// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accesslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"cloudfront503/pkg/incident"
)

// The 33 fields of the legacy form, as a row of the first minutes of an incident has them.
const failingRow = "2026-03-03\t21:33:28\tSYD62-P1\t512\t192.0.2.153\tGET\td111111abcdef8.cloudfront.net\t/img/a%20b.jpg\t503\t-\t" +
	"Mozilla/5.0%20(compatible)\t-\t-\tError\tQvjTNbs==\twww.example.com\thttps\t726\t0.026\t-\tTLSv1.3\tTLS_AES_256_GCM_SHA384\t" +
	"Error\tHTTP/1.1\t-\t-\t53695\t0.025\tOriginError\ttext/html\t162\t-\t-\n"

const header = "#Version: 1.0\n#Fields: " + legacyFields + "\n"

func read(t *testing.T, text string) incident.Logs {
	t.Helper()
	counter := New(nil)
	if err := counter.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return counter.Logs()
}

func zipped(text string) []byte {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, _ = writer.Write([]byte(text))
	_ = writer.Close()
	return out.Bytes()
}

// oneFailing is what every form of failingRow must count as.
func oneFailing(t *testing.T, logs incident.Logs) {
	t.Helper()
	if logs.Rows != 1 || len(logs.Groups) != 1 {
		t.Fatalf("%d rows in %d groups, %d damaged", logs.Rows, len(logs.Groups), logs.Damaged)
	}
	g := logs.Groups[0]
	at := time.Date(2026, 3, 3, 21, 33, 0, 0, time.UTC)
	if g.Status != 503 || g.Result != "Error" || g.Detailed != "OriginError" || g.Count != 1 {
		t.Errorf("group %+v", g)
	}
	if diff := cmp.Diff([]incident.MinuteCount{{At: at, Count: 1}}, g.Minutes); diff != "" {
		t.Error(diff)
	}
	if g.FirstByte.Counts[4] != 1 { // 20 to 50 ms
		t.Errorf("first byte %v", g.FirstByte.Counts)
	}
	if len(g.Edges.Top) != 1 || g.Edges.Top[0].Value != "SYD62-P1" {
		t.Errorf("edges %+v", g.Edges)
	}
}

func TestEveryFormCountsTheSame(t *testing.T) {
	fields := "x-edge-location sc-status date time x-edge-result-type x-edge-detailed-result-type x-edge-response-result-type " +
		"time-to-first-byte c-ip cs-method cs-uri-stem x-host-header x-edge-request-id sc-content-type"
	values := "SYD62-P1|503|2026-03-03|21:33:28|Error|OriginError|Error|0.025|192.0.2.153|GET|/img/a.jpg|www.example.com|Qv==|text/html"
	instant := strings.Replace(strings.Replace(values, "2026-03-03|21:33:28", "TIME", 1), "|", "\t", -1)
	instantFields := strings.Replace(fields, "date time", "TIME", 1)
	forms := map[string]string{
		"legacy, 33 fields":            header + failingRow,
		"no #Version":                  "#Fields: " + legacyFields + "\n" + failingRow,
		"no header at all":             failingRow,
		"35 fields":                    "#Fields: " + legacyFields + " distribution-tenant-id connection-id\n" + strings.TrimSpace(failingRow) + "\t-\t-\n",
		"another order":                "#Fields: " + fields + "\n" + strings.ReplaceAll(values, "|", "\t") + "\n",
		"v2 with commas":               "#Fields: " + fields + "\n" + strings.ReplaceAll(values, "|", ",") + "\n",
		"v2 with blanks":               "#Fields: " + fields + "\n" + strings.ReplaceAll(values, "|", " ") + "\n",
		"CRLF and no end of line":      strings.TrimSuffix(strings.ReplaceAll(header+failingRow, "\n", "\r\n"), "\r\n"),
		"UTF-8 with a byte order mark": "\xef\xbb\xbf" + header + failingRow,
		"UTF-16":                       "\xff\xfe" + string(widen(header+failingRow)),
		"a timestamp in milliseconds":  "#Fields: " + strings.Replace(instantFields, "TIME", "timestamp(ms)", 1) + "\n" + strings.Replace(instant, "TIME", "1772573608123", 1),
		"a timestamp in seconds":       "#Fields: " + strings.Replace(instantFields, "TIME", "timestamp", 1) + "\n" + strings.Replace(instant, "TIME", "1772573608.123", 1),
		"a timestamp as RFC 3339":      "#Fields: " + strings.Replace(instantFields, "TIME", "timestamp", 1) + "\n" + strings.Replace(instant, "TIME", "2026-03-03T21:33:28Z", 1),
		"JSON lines":                   jsonLine(fields, values),
		"two objects' texts in one, header repeated": header + "#Version: 1.0\n#Fields: " + fields + "\n" + strings.ReplaceAll(values, "|", "\t"),
	}
	for name, text := range forms {
		t.Run(name, func(t *testing.T) { oneFailing(t, read(t, text)) })
		t.Run(name+", compressed", func(t *testing.T) { oneFailing(t, read(t, string(zipped(text)))) })
	}
}

func jsonLine(fields, values string) string {
	var pairs []string
	value := strings.Split(values, "|")
	for i, name := range strings.Fields(fields) {
		pairs = append(pairs, fmt.Sprintf("%q:%q", name, value[i]))
	}
	return "{" + strings.Join(pairs, ",") + "}\n"
}

func widen(text string) []byte {
	var out []byte
	for _, b := range []byte(text) {
		out = append(out, b, 0)
	}
	return out
}

func TestWhatIsDamagedCostsOnlyItself(t *testing.T) {
	text := header + failingRow + "short\trow\n" + strings.Repeat("x", longestRow+10) + "\n" +
		strings.Replace(failingRow, "\t503\t", "\t5x3\t", 1) + "{\"not\": json}\n" + failingRow
	logs := read(t, text)
	if logs.Rows != 2 || logs.Damaged != 4 {
		t.Errorf("%d rows, %d damaged", logs.Rows, logs.Damaged)
	}
}

func TestTruncatedGzipGivesWhatWasRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	text.WriteString(header)
	for range 5000 {
		text.WriteString(strings.Replace(failingRow, "QvjTNbs", fmt.Sprint(random.Uint64()), 1))
	}
	whole := zipped(text.String())
	counter := New(nil)
	err := counter.Read(bytes.NewReader(whole[:len(whole)/2]))
	if err == nil {
		t.Error("no error")
	}
	if rows := counter.Logs().Rows; rows < 1000 || rows > 4000 {
		t.Errorf("%d rows of 5000", rows)
	}
	if err := counter.Read(bytes.NewReader(zipped(header + failingRow))); err != nil {
		t.Errorf("the next object: %v", err)
	}
}

func TestBehaviourIsTheLogsOwnElseTheConfigurations(t *testing.T) {
	counter := New(func(path string) string { return "of " + path })
	_ = counter.Read(strings.NewReader(header + failingRow))
	_ = counter.Read(strings.NewReader("#Fields: sc-status cache-behavior-path-pattern\n503\t/api/*\n"))
	var names []string
	for _, g := range counter.Logs().Groups {
		names = append(names, g.Behaviors.Top[0].Value)
	}
	if diff := cmp.Diff([]string{"/api/*", "of /img/a b.jpg"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestHostileLogsStayBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var text strings.Builder
	text.WriteString("#Fields: sc-status x-edge-result-type c-ip x-edge-location\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "503\tR%d\t10.0.%d.%d\tE%d\n", i, random.IntN(250), random.IntN(250), i)
	}
	for range 500 {
		text.WriteString("503\tR1\t192.0.2.1\tE1\n")
	}
	logs := read(t, text.String())
	if logs.Rows != 20_500 || len(logs.Groups) > mostGroups+1 {
		t.Errorf("%d rows, %d groups", logs.Rows, len(logs.Groups))
	}
}

// The reference counts the way one would without thinking about speed.
func reference(text string) (rows int64, groups map[string]int64) {
	groups = map[string]int64{}
	fields := strings.Fields(legacyFields)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '{' {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "#Fields:"); ok {
			fields = strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		}
		if line[0] == '#' {
			continue
		}
		value := map[string]string{}
		cells := strings.Split(line, "\t")
		complete := false
		for i, name := range fields {
			if columnOf[strings.ToLower(name)] == none {
				continue
			}
			complete = i < len(cells)
			if complete {
				value[strings.ToLower(name)] = cells[i]
			}
		}
		status, ok := statusOf([]byte(value["sc-status"]))
		if !complete || !ok {
			continue
		}
		rows++
		groups[fmt.Sprint(status, "|", value["x-edge-result-type"], "|", value["x-edge-response-result-type"], "|", value["x-edge-detailed-result-type"])]++
	}
	return rows, groups
}

func FuzzReadAgainstReference(f *testing.F) {
	f.Add(header + failingRow)
	f.Add("#Fields: sc-status\n503\n000\n-\n")
	f.Add("#Fields: x-edge-result-type\tsc-status\nHit\t200\nMiss\t2000\n")
	f.Add(failingRow + failingRow)
	f.Fuzz(func(t *testing.T, text string) {
		for _, other := range []string{"{", "\xff\xfe", "\xfe\xff", "\x1f\x8b", "\xef\xbb\xbf"} {
			if strings.Contains(text, other) {
				return
			}
		}
		if len(text) > 1<<14 || strings.ContainsAny(strings.ReplaceAll(text, "#Fields", ""), ",;|") || strings.Count(text, "#") > 4 {
			return // other delimiters are the reader's own guess
		}
		counter := New(nil)
		if err := counter.Read(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		logs := counter.Logs()
		if guessed(text) {
			return
		}
		rows, groups := reference(text)
		if rows != logs.Rows {
			t.Fatalf("%d rows, reference %d", logs.Rows, rows)
		}
		for _, g := range logs.Groups {
			key := fmt.Sprint(g.Status, "|", g.Result, "|", g.ResponseResult, "|", g.Detailed)
			if len(key) < 200 && groups[key] != g.Count {
				t.Fatalf("%q: %d, reference %d", key, g.Count, groups[key])
			}
		}
	})
}

// guessed says whether a row has blanks, from which the reader may take another delimiter than a tab.
func guessed(text string) bool {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && strings.Contains(line, " ") {
			return true
		}
	}
	return false
}

func FuzzReadNeverPanics(f *testing.F) {
	f.Add([]byte(header + failingRow))
	f.Add(zipped(header + failingRow))
	f.Add(zipped(header + failingRow)[:40])
	f.Add([]byte("\xff\xfe#\x00"))
	f.Add([]byte(`{"sc-status":503,"timestamp":1e300}`))
	f.Fuzz(func(_ *testing.T, object []byte) {
		counter := New(func(path string) string { return path })
		_ = counter.Read(bytes.NewReader(object))
		counter.Logs()
	})
}

// benchmarkObject is a log object of a busy minute: as varied as real ones where it matters for compression.
func benchmarkObject() []byte {
	random := rand.New(rand.NewPCG(5, 6))
	edges := []string{"SYD62-P1", "LHR61-P3", "FRA60-P9", "IAD89-C3", "NRT57-P2", "GRU3-C1"}
	kinds := [][3]string{{"200", "Hit", "Hit"}, {"200", "Miss", "Miss"}, {"304", "RefreshHit", "RefreshHit"}, {"503", "Error", "OriginError"}, {"404", "Error", "Error"}}
	var text strings.Builder
	text.WriteString(header)
	for range 40_000 {
		kind := kinds[min(random.IntN(8), 4)]
		fmt.Fprintf(&text, "2026-03-03\t21:%02d:%02d\t%s\t%d\t192.0.2.%d\tGET\td111111abcdef8.cloudfront.net\t/img/p/%06x.jpg\t%s\t-\t"+
			"Mozilla/5.0%%20(Macintosh;%%20Intel%%20Mac%%20OS%%20X%%2010_15_7)%%20AppleWebKit/605.1.15\t-\t-\t%s\t%x%x==\twww.example.com\thttps\t%d\t0.%03d\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\t%s\tHTTP/2.0\t-\t-\t%d\t0.%03d\t%s\timage/jpeg\t%d\t-\t-\n",
			random.IntN(60), random.IntN(60), edges[random.IntN(len(edges))], random.IntN(90000), random.IntN(256), random.IntN(1<<20), kind[0],
			kind[1], random.Uint64(), random.Uint64(), random.IntN(900), random.IntN(1000), kind[1], random.IntN(65000), random.IntN(1000), kind[2], random.IntN(90000))
	}
	return zipped(text.String())
}

// gunzipTime is how long decompression alone takes, the yardstick of BenchmarkRead.
func gunzipTime(b *testing.B, object []byte) time.Duration {
	b.Helper()
	best := time.Hour
	for range 5 {
		begin := time.Now()
		gunzip(b, object)
		best = min(best, time.Since(begin))
	}
	return best
}

func gunzip(b *testing.B, object []byte) {
	b.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(object))
	if err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, longestRow)
	for {
		if _, err := reader.Read(buffer); err != nil {
			return
		}
	}
}

func BenchmarkGunzip(b *testing.B) {
	object := benchmarkObject()
	for b.Loop() {
		gunzip(b, object)
	}
}

// BenchmarkRead reports x-gunzip: the time of reading and counting as a multiple of decompression alone. Wanted: at most 2.
func BenchmarkRead(b *testing.B) {
	object := benchmarkObject()
	yardstick := gunzipTime(b, object)
	counter := New(nil)
	for b.Loop() {
		if err := counter.Read(bytes.NewReader(object)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(yardstick), "x-gunzip")
}

// The fast reader of JSON lines must say the same as encoding/json wherever it says anything.
func FuzzFlatAgainstJSON(f *testing.F) {
	f.Add([]byte(`{"date":"2026-03-03","time":"21:33:28","sc-status":"503","x-edge-result-type":"Error"}`))
	f.Add([]byte(`{ "sc-status" : 503 , "timestamp(ms)": 1772573608123, "c-ip":null}`))
	f.Add([]byte(`{"cs-uri-stem":"/a\"b","sc-status":"503"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var fast, slow row
		if !json.Valid(line) || !scanFlat(line, &fast) {
			return
		}
		if bytes.Count(line, []byte(`":`)) != bytes.Count(line, []byte(`"`))/2 && bytes.Count(line, []byte(`sc-status`)) > 1 {
			return // a name that comes twice
		}
		if !decode(line, &slow) {
			return
		}
		if string(fast[scStatus]) != string(slow[scStatus]) && utf8.Valid(line) && bytes.Count(line, []byte("sc-status")) == 1 {
			t.Errorf("%q: status %q, encoding/json says %q", line, fast[scStatus], slow[scStatus])
		}
	})
}
