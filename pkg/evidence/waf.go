// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/wafv2"
)

// ACLs is AWS WAF in one Region.
type ACLs interface {
	GetLoggingConfiguration(context.Context, *wafv2.GetLoggingConfigurationInput, ...func(*wafv2.Options)) (*wafv2.GetLoggingConfigurationOutput, error)
	GetWebACLForResource(context.Context, *wafv2.GetWebACLForResourceInput, ...func(*wafv2.Options)) (*wafv2.GetWebACLForResourceOutput, error)
}

const (
	wafLogs     = "wafv2/logs.jsonl"
	wafBefore   = 15 * time.Minute // how long before the alarm WAF's records are of interest
	mostWAFText = 32 << 20         // bytes of one decompressed object: a bomb shall not fill the memory
)

// readWAFLogs reads what a web ACL has blocked, wherever its logs go. Only records of blocked requests can say that WAF
// wrote the failing answer; allowed ones are as many as there are requests.
func readWAFLogs(acl string) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		answer, err := g.ACLs(part(acl, ":", 3)).GetLoggingConfiguration(ctx, &wafv2.GetLoggingConfigurationInput{ResourceArn: &acl})
		if err != nil {
			return nil, fmt.Errorf("get logging configuration of %s: %w", acl, err)
		}
		var out bytes.Buffer
		take := func(row string) {
			if strings.Contains(row, `"BLOCK"`) {
				out.WriteString(strings.TrimSpace(row) + "\n")
			}
		}
		var problems error
		if answer.LoggingConfiguration != nil {
			for _, destination := range answer.LoggingConfiguration.LogDestinationConfigs {
				problems = errors.Join(problems, g.readWAFDestination(ctx, q, acl, destination, take))
			}
		}
		if out.Len() == 0 && problems != nil {
			return nil, problems
		}
		return Record{wafLogs: out.Bytes()}, problems
	}
}

// readWAFDestination reads from a log group, a bucket, or says that a stream cannot be read.
func (g *Gatherer) readWAFDestination(ctx context.Context, q Question, acl, destination string, take func(string)) error {
	switch part(destination, ":", 2) {
	case "logs":
		return g.events(ctx, destination, "BLOCK", q.At.Add(-wafBefore), take)
	case "s3":
		return g.readWAFBucket(ctx, q, acl, part(destination, ":", 5), take)
	}
	return fmt.Errorf("%s is a stream, which keeps nothing to read", destination)
}

// readWAFBucket reads PREFIX/AWSLogs/ACCOUNT/WAFLogs/REGION/ACL/YYYY/MM/DD/HH/MM/…, where REGION is "cloudfront" for a web
// ACL of a distribution [AWS WAF Developer Guide "Sending web ACL traffic logs to an Amazon S3 bucket"].
func (g *Gatherer) readWAFBucket(ctx context.Context, q Question, acl, place string, take func(string)) error {
	bucket, prefix, _ := strings.Cut(place, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	region := part(acl, ":", 3)
	if strings.HasPrefix(part(acl, ":", 5), "global/") {
		region = "cloudfront"
	}
	base := fmt.Sprintf("%sAWSLogs/%s/WAFLogs/%s/%s/", prefix, q.Account, region, aclName(acl))
	var wanted []string
	for hour := g.Now().UTC().Truncate(time.Hour); !hour.Before(q.At.UTC().Add(-wafBefore).Truncate(time.Hour)); hour = hour.Add(-time.Hour) {
		wanted = append(wanted, base+hour.Format("2006/01/02/15/"))
	}
	contents, err := g.objects(ctx, bucket, wanted)
	for key, content := range contents {
		if problem := lines(content, take); problem != nil {
			err = errors.Join(err, fmt.Errorf("s3://%s/%s: %w", bucket, key, problem))
		}
	}
	if len(contents) == 0 && err == nil {
		return errNoLogs
	}
	return err
}

// lines gives the lines of an object, decompressed where it is compressed. What comes before damage is given.
func lines(content []byte, take func(string)) error {
	text, err := content, error(nil)
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		reader, problem := gzip.NewReader(bytes.NewReader(content))
		if problem != nil {
			return problem
		}
		text, err = io.ReadAll(io.LimitReader(reader, mostWAFText))
	}
	for line := range bytes.Lines(text) {
		take(string(line))
	}
	return err
}
