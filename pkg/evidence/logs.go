// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/distribution"
)

// Logs reads the bucket that standard logs go to.
type Logs interface {
	s3.ListObjectsV2APIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Bounds of what is read of the logs for one incident.
const (
	mostLogObjects = 24
	mostLogBytes   = 16 << 20 // compressed, in all
)

// errNoLogs says that nothing has been delivered yet: logs come within the hour, up to a day late [CFDG accesslogs].
var errNoLogs = errors.New("no object for the window yet")

// readLogs keeps the log objects of the hours around the alarm as they are, newest hour first. Their names begin
// PREFIX/DISTRIBUTION.YYYY-MM-DD-HH. in UTC [CFDG standard-logs-reference].
func (g *Gatherer) readLogs(logging distribution.Logging) func(context.Context, Question) (Record, error) {
	return func(ctx context.Context, q Question) (Record, error) {
		record, left := Record{}, int64(mostLogBytes)
		for hour := g.Now().UTC().Truncate(time.Hour); !hour.Before(q.At.UTC().Add(-time.Hour).Truncate(time.Hour)); hour = hour.Add(-time.Hour) {
			prefix := logging.Prefix + q.Snapshot.Distribution + "." + hour.Format("2006-01-02-15") + "."
			if err := g.readHour(ctx, bucketOf(logging.Bucket), prefix, record, &left); err != nil {
				return record, fmt.Errorf("access logs in %s: %w", logging.Bucket, err)
			}
		}
		if len(record) == 0 {
			return nil, errNoLogs
		}
		return record, nil
	}
}

func (g *Gatherer) readHour(ctx context.Context, bucket, prefix string, record Record, left *int64) error {
	page, err := g.Logs.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, MaxKeys: aws.Int32(mostLogObjects)})
	if err != nil {
		return err
	}
	for _, object := range page.Contents {
		size := aws.ToInt64(object.Size)
		if len(record) >= mostLogObjects || size > *left {
			return nil
		}
		*left -= size
		answer, err := g.Logs.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
		if err != nil {
			return err
		}
		content, err := io.ReadAll(io.LimitReader(answer.Body, size))
		answer.Body.Close()
		if err != nil {
			return err
		}
		record["access-logs/"+path.Base(aws.ToString(object.Key))] = content
	}
	return nil
}
