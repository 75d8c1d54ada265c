// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"

	"cloudfront503/pkg/lean/logs"
)

// Clients are how AWS is asked. All are required.
type Clients struct {
	Metrics    func(region string) Metrics
	Names      func(region string) Names // which metrics there are
	Trail      func(region string) Trail
	Quotas     func(region string) Quotas
	Lambda     func(region string) Lambda
	Balancers  func(region string) Balancers // application and network load balancers
	Classic    func(region string) Classic   // classic load balancers
	LogGroups  func(region string) LogGroups
	Buckets    func(region string) Logs // the buckets that logs go to, and those that are origins
	ACLs       func(region string) ACLs
	Deliveries Deliveries
	Roles      Roles
	CloudFront CloudFront
	Messages   Messages
}

// NewClients makes them all of one configuration. Their calls are counted against the budget of the incident that they are
// made for, and those that fail are kept with it.
func NewClients(cfg aws.Config) Clients {
	cfg = cfg.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), watch)
	home := regional(cfg, "us-east-1") // where the global services are asked
	return Clients{
		Metrics:   func(region string) Metrics { return cloudwatch.NewFromConfig(regional(cfg, region)) },
		Names:     func(region string) Names { return cloudwatch.NewFromConfig(regional(cfg, region)) },
		Trail:     func(region string) Trail { return cloudtrail.NewFromConfig(regional(cfg, region)) },
		Quotas:    func(region string) Quotas { return servicequotas.NewFromConfig(regional(cfg, region)) },
		Lambda:    func(region string) Lambda { return lambda.NewFromConfig(regional(cfg, region)) },
		Balancers: func(region string) Balancers { return elasticloadbalancingv2.NewFromConfig(regional(cfg, region)) },
		Classic:   func(region string) Classic { return elasticloadbalancing.NewFromConfig(regional(cfg, region)) },
		LogGroups: func(region string) LogGroups { return logs.NewFromConfig(regional(cfg, region)) },
		ACLs:      func(region string) ACLs { return wafv2.NewFromConfig(regional(cfg, region)) },
		Buckets: func(region string) Logs {
			return s3.NewFromConfig(regional(cfg, region), func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil })
		},
		Deliveries: logs.NewFromConfig(home),
		Roles:      iam.NewFromConfig(home), CloudFront: cloudfront.NewFromConfig(home), Messages: sts.NewFromConfig(home),
	}
}

// Live is a gatherer that asks AWS, with one configuration for all clients: at the alarm's time and at the second looks
// the same sources are asked in the same way. bucket reads the Health events kept in the bucket that is named. Regions,
// Paths and Now are the caller's to set.
func Live(cfg aws.Config, bucket Kept, kept string) *Gatherer {
	g := &Gatherer{
		Clients: NewClients(cfg),
		Fresh:   func() Clients { return NewClients(freshSession(cfg)) },
		Health:  KeptHealth{S3: bucket, Bucket: kept}.Files,
		Probe:   NewProber(),
	}
	if cfg.BaseEndpoint == nil { // names of an account that is not AWS's are in no DNS
		g.Resolve = net.DefaultResolver.LookupCNAME
	}
	return g
}

// regional is the configuration for another Region.
func regional(cfg aws.Config, region string) aws.Config {
	cfg = cfg.Copy()
	cfg.Region = region
	return cfg
}

// Kept reads objects of a bucket.
type Kept interface {
	s3.ListObjectsV2APIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// mostEvents bounds how many kept Health events are read.
const mostEvents = 100

// KeptHealth are the AWS Health events that functions/verify has kept under health/: the Health API needs a support plan,
// EventBridge does not.
type KeptHealth struct {
	S3     Kept
	Bucket string
}

// Files are the events as they were delivered, by a file name; at most a hundred.
func (k KeptHealth) Files(ctx context.Context) (map[string][]byte, error) {
	page, err := k.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &k.Bucket, Prefix: aws.String("health/"), MaxKeys: aws.Int32(mostEvents)})
	if err != nil {
		return nil, fmt.Errorf("list health events: %w", err)
	}
	files := map[string][]byte{}
	for _, object := range page.Contents {
		key := aws.ToString(object.Key)
		if files[strings.ReplaceAll(strings.TrimPrefix(key, "health/"), "/", "-")], err = k.file(ctx, key); err != nil {
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
	}
	return files, nil
}

func (k KeptHealth) file(ctx context.Context, key string) ([]byte, error) {
	answer, err := k.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &k.Bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}
