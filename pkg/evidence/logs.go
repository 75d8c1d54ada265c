// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/logs"
	"cloudfront503/pkg/pattern"
)

// Logs reads buckets in one Region: their objects, and where they are.
type Logs interface {
	Kept
	GetBucketLocation(context.Context, *s3.GetBucketLocationInput, ...func(*s3.Options)) (*s3.GetBucketLocationOutput, error)
}

// LogGroups is CloudWatch Logs in one Region.
type LogGroups interface {
	FilterLogEvents(context.Context, logs.FilterLogEventsInput) (logs.FilterLogEventsOutput, error)
}

// errNoLogs says that nothing has been delivered yet: logs come within the hour, up to a day late [CFDG accesslogs].
var errNoLogs = errors.New("no object for the window yet")

const (
	logsBefore  = time.Hour        // how long before the alarm log objects are of interest: an onset needs a "before"
	rowsBefore  = 20 * time.Minute // the same in a log group, which gives the oldest rows first
	atOnce      = 8                // objects that are fetched side by side
	listedAHour = 200              // objects of an hour that are looked at; the newest of them are read
)

// shelf is where log objects lie in a bucket. Their names are DISTRIBUTION.YYYY-MM-DD-HH.ID.gz, the hour in UTC being that
// of the requests, in the legacy form and in version 2 [CFDG standard-logs-reference].
type shelf struct {
	bucket   string
	prefixes []string // before the names; one of them is right
	header   string   // the line that the objects lack
}

// object is one log object, and the Region of its bucket.
type object struct {
	types.Object
	region string
}

// read keeps the log objects of the hours around the alarm as they are.
func (s shelf) read(ctx context.Context, g *Gatherer, q Question) (Record, error) {
	var wanted []string
	for hour := g.Now().UTC().Truncate(time.Hour); !hour.Before(q.At.UTC().Add(-logsBefore).Truncate(time.Hour)); hour = hour.Add(-time.Hour) {
		for _, prefix := range s.prefixes {
			wanted = append(wanted, at(prefix, hour)+q.Snapshot.Distribution+"."+hour.Format("2006-01-02-15")+".")
		}
	}
	contents, err := g.objects(ctx, s.bucket, wanted)
	record := Record{}
	for key, content := range contents {
		record["access-logs/"+path.Base(key)] = withHeader(s.header, content)
	}
	if len(record) == 0 && err == nil {
		return nil, errNoLogs
	}
	return record, err
}

// objects reads the objects under prefixes, the newest as long as the budget lasts.
func (g *Gatherer) objects(ctx context.Context, bucket string, prefixes []string) (map[string][]byte, error) {
	found, err := g.list(ctx, bucket, prefixes)
	if err != nil {
		return nil, fmt.Errorf("list s3://%s: %w", bucket, err)
	}
	slices.SortStableFunc(found, func(a, b object) int { return aws.ToTime(b.LastModified).Compare(aws.ToTime(a.LastModified)) })
	taken, cut := affordable(meterOf(ctx), found)
	contents, err := g.fetch(ctx, bucket, taken)
	return contents, errors.Join(err, cut)
}

// affordable are the first objects for which the budget is enough.
func affordable(m *meter, found []object) ([]object, error) {
	for i, o := range found {
		if err := m.object(aws.ToInt64(o.Size)); err != nil {
			return found[:i], leaving(err, "%d of %d objects are left out, the oldest", len(found)-i, len(found))
		}
	}
	return found, nil
}

// list lists the prefixes at once.
func (g *Gatherer) list(ctx context.Context, bucket string, prefixes []string) ([]object, error) {
	lists, err := each(prefixes, func(prefix string) ([]object, error) {
		return g.listOne(ctx, "us-east-1", bucket, prefix)
	})
	return slices.Concat(lists...), err
}

// listOne lists a prefix, in the Region that S3 sends it to where the bucket is elsewhere.
func (g *Gatherer) listOne(ctx context.Context, region, bucket, prefix string) ([]object, error) {
	input := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, MaxKeys: aws.Int32(listedAHour)}
	page, err := g.Buckets(region).ListObjectsV2(ctx, input)
	if elsewhere := regionIn(err); elsewhere != "" && elsewhere != region {
		return g.listOne(ctx, elsewhere, bucket, prefix)
	}
	if err != nil {
		return nil, err
	}
	var found []object
	for _, o := range page.Contents {
		found = append(found, object{o, region})
	}
	return found, nil
}

// expecting is how S3 says the Region where the signature names another.
var expecting = pattern.Lazily(`expecting '([a-z0-9-]+)'`)

// regionIn is the Region that S3 says the bucket is in, empty where the error is another.
func regionIn(err error) string {
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != "AuthorizationHeaderMalformed" && answered.ErrorCode() != "PermanentRedirect" {
		return ""
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		if region := response.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return region
		}
	}
	if match := expecting().FindStringSubmatch(answered.ErrorMessage()); match != nil {
		return match[1]
	}
	return ""
}

// fetch reads objects side by side.
func (g *Gatherer) fetch(ctx context.Context, bucket string, objects []object) (map[string][]byte, error) {
	contents := map[string][]byte{}
	var mu sync.Mutex
	_, err := each(objects, func(o object) (struct{}, error) {
		answer, err := g.Buckets(o.region).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
		if err != nil {
			return struct{}{}, fmt.Errorf("get s3://%s/%s: %w", bucket, aws.ToString(o.Key), err)
		}
		defer answer.Body.Close()
		content, err := io.ReadAll(io.LimitReader(answer.Body, aws.ToInt64(o.Size)))
		if err != nil {
			return struct{}{}, fmt.Errorf("get s3://%s/%s: %w", bucket, aws.ToString(o.Key), err)
		}
		mu.Lock()
		defer mu.Unlock()
		contents[aws.ToString(o.Key)] = content
		return struct{}{}, nil
	})
	return contents, err
}

// each does the same with every element, a few side by side; the first error of them counts.
func each[T, R any](list []T, do func(T) (R, error)) ([]R, error) {
	results, problems := make([]R, len(list)), make([]error, len(list))
	slots := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, element := range list {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i], problems[i] = do(element)
		})
	}
	wait.Wait()
	return results, cmp.Or(problems...)
}

// withHeader puts a line before a log object, a member of its own where the object is compressed: gzip allows several.
func withHeader(line string, content []byte) []byte {
	if line == "" || !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		return append([]byte(line), content...)
	}
	return append(zipped(line), content...)
}

func zipped(text string) []byte {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, _ = io.WriteString(writer, text) // a buffer takes everything
	_ = writer.Close()
	return out.Bytes()
}

// readGroup reads the rows that standard logs v2 put into a log group. One that holds several distributions' rows gives
// this one's: their cs(Host) is the distribution's domain name.
func readGroup(arn, header string) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		var out strings.Builder
		out.WriteString(header)
		err := g.events(ctx, arn, "", q.At.Add(-rowsBefore), func(row string) {
			if q.Snapshot.DomainName == "" || strings.Contains(row, q.Snapshot.DomainName) || !strings.Contains(row, ".cloudfront.net") {
				out.WriteString(strings.TrimSpace(row) + "\n")
			}
		})
		if out.Len() == len(header) {
			return nil, cmp.Or(err, errNoLogs)
		}
		name := fmt.Sprintf("access-logs/%s.%s.%s.gz", q.Snapshot.Distribution, q.At.UTC().Format("2006-01-02-15"), strings.Trim(awkward().ReplaceAllString(groupOf(arn), "-"), "-"))
		return Record{name: zipped(out.String())}, err
	}
}

// awkward is what does not belong into a file's name.
var awkward = pattern.Lazily(`[^A-Za-z0-9-]+`)

// groupOf is a log group's name in its ARN: arn:aws:logs:REGION:ACCOUNT:log-group:NAME, and ":*" after it at times.
func groupOf(arn string) string {
	_, name, _ := strings.Cut(arn, ":log-group:")
	return strings.TrimSuffix(name, ":*")
}

// events gives a log group's events since a time that match a filter pattern, the oldest first, as long as the budget lasts.
func (g *Gatherer) events(ctx context.Context, arn, pattern string, since time.Time, take func(string)) error {
	client, m := g.LogGroups(part(arn, ":", 3)), meterOf(ctx)
	in := logs.FilterLogEventsInput{
		LogGroupName: groupOf(arn), FilterPattern: pattern, StartTime: since.UnixMilli(), EndTime: g.Now().UnixMilli(),
	}
	for page, err := range lean.Pages(func(token *string) ([]logs.FilteredLogEvent, *string, error) {
		if err := m.object(0); err != nil {
			return nil, nil, leaving(err, "the newest rows are left out")
		}
		in.NextToken = token
		out, err := client.FilterLogEvents(ctx, in)
		if err != nil {
			return nil, nil, fmt.Errorf("filter log events of %s: %w", groupOf(arn), err)
		}
		return out.Events, out.NextToken, nil
	}) {
		if err != nil {
			return err
		}
		for _, event := range page {
			m.read(int64(len(event.Message)))
			take(event.Message)
		}
	}
	return nil
}
