// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/events"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
	"cloudfront503/pkg/emulator/lambda"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/emulator/sns"
	"cloudfront503/pkg/emulator/ssm"
)

// Services are the parts of the account in which a stack makes its resources.
type Services struct {
	World         *kernel.World
	Lambda        *lambda.Service
	Events        *events.Service
	Topics        *sns.Service
	Buckets       *s3.Service
	Keys          *kms.Service
	Documents     *ssm.Service
	Distributions *cloudfront.Service
}

// kinds are the resource types, each with what makes one of its evaluated properties.
var kinds = map[string]func(b *builder, logical string, properties any) (*Resource, error){
	serverlessFunction:                        makeFunction,
	"AWS::Lambda::Permission":                 makePermission,
	"AWS::IAM::Role":                          makeRole,
	"AWS::IAM::Policy":                        makePolicy,
	"AWS::IAM::ManagedPolicy":                 makeManagedPolicy,
	"AWS::SNS::Topic":                         makeTopic,
	"AWS::SNS::TopicPolicy":                   makeTopicPolicy,
	"AWS::SNS::Subscription":                  makeSubscription,
	"AWS::S3::Bucket":                         makeBucket,
	"AWS::S3::BucketPolicy":                   makeBucketPolicy,
	"AWS::Events::Rule":                       makeRule,
	"AWS::SSM::Document":                      makeDocument,
	"AWS::Logs::LogGroup":                     makeLogGroup,
	"AWS::CloudFront::MonitoringSubscription": makeMonitoring,
	"AWS::SQS::Queue":                         makeQueue,
	"AWS::SQS::QueuePolicy":                   makeQueuePolicy,
	"AWS::CloudWatch::Alarm":                  makeAlarm,
	"AWS::KMS::Key":                           makeKey,
	"AWS::KMS::Alias":                         makeAlias,
}

// tags are accepted everywhere and kept nowhere, as nothing of ours decides by them.
type tags []struct{ Key, Value scalar }

// policyOf reads a policy document as IAM would.
func policyOf(document any) (*kernel.Policy, error) {
	raw, err := encode(document)
	if err != nil {
		return nil, err
	}
	return kernel.ParsePolicy(raw)
}

func (b *builder) arn(service, rest string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, b.options.World.Region, b.options.World.Account, rest)
}

func makeTopic(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		TopicName, DisplayName, KmsMasterKeyId, SignatureVersion scalar
		Tags                                                     tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for name, value := range map[string]scalar{"DisplayName": p.DisplayName, "KmsMasterKeyId": p.KmsMasterKeyId, "SignatureVersion": p.SignatureVersion} {
		if value != "" {
			attributes[name] = string(value)
		}
	}
	name := b.physical(p.TopicName, logical, 256)
	arn, err := b.options.Topics.CreateTopic(name, attributes)
	return &Resource{ID: arn, Attributes: map[string]string{"TopicArn": arn, "TopicName": name}}, err
}

func makeTopicPolicy(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		Topics         []string
		PolicyDocument any
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	policy, err := policyOf(p.PolicyDocument)
	if err != nil {
		return nil, err
	}
	for _, topic := range p.Topics {
		if err := b.options.Topics.SetTopicAttribute(topic, "Policy", string(policy.Raw)); err != nil {
			return nil, within(topic, err)
		}
	}
	return &Resource{ID: b.physical("", logical, 64)}, nil
}

func makeSubscription(b *builder, _ string, properties any) (*Resource, error) {
	var p struct {
		TopicArn, Protocol, Endpoint, FilterPolicyScope, RawMessageDelivery scalar
		FilterPolicy, RedrivePolicy                                         any
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for name, value := range map[string]scalar{"FilterPolicyScope": p.FilterPolicyScope, "RawMessageDelivery": p.RawMessageDelivery} {
		if value != "" {
			attributes[name] = string(value)
		}
	}
	for name, value := range map[string]any{"FilterPolicy": p.FilterPolicy, "RedrivePolicy": p.RedrivePolicy} {
		if value == nil {
			continue
		}
		raw, err := encode(value)
		if err != nil {
			return nil, err
		}
		attributes[name] = string(raw)
	}
	arn, _, err := b.options.Topics.Subscribe(sns.Subscription{
		Topic: string(p.TopicArn), Protocol: string(p.Protocol), Endpoint: string(p.Endpoint), Attributes: attributes,
	})
	return &Resource{ID: arn, Attributes: map[string]string{"Arn": arn}}, err
}

func makeRule(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		Name, Description, ScheduleExpression, State scalar
		EventPattern                                 any
		Targets                                      []any
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	rule := events.Rule{
		Name: b.physical(p.Name, logical, 64), Description: string(p.Description), Schedule: string(p.ScheduleExpression),
		Disabled: p.State == "DISABLED",
	}
	if p.EventPattern != nil {
		raw, err := encode(p.EventPattern)
		if err != nil {
			return nil, err
		}
		rule.Pattern = string(raw)
	}
	arn, err := b.options.Events.PutRule(rule)
	if err != nil {
		return nil, err
	}
	return &Resource{ID: rule.Name, Attributes: map[string]string{"Arn": arn}}, b.putTargets(rule.Name, p.Targets)
}

func (b *builder) putTargets(rule string, targets []any) error {
	for _, target := range targets {
		raw, err := encode(target)
		if err != nil {
			return err
		}
		read, err := events.ParseTarget(raw)
		if err != nil {
			return err
		}
		if err := b.options.Events.PutTargets(rule, read); err != nil {
			return err
		}
	}
	return nil
}

func makeBucket(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		BucketName              scalar
		VersioningConfiguration struct{ Status scalar }
		OwnershipControls       struct {
			Rules []struct{ ObjectOwnership scalar }
		}
		PublicAccessBlockConfiguration struct {
			BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets scalar
		}
		BucketEncryption struct {
			ServerSideEncryptionConfiguration []struct {
				BucketKeyEnabled              scalar
				ServerSideEncryptionByDefault struct{ SSEAlgorithm, KMSMasterKeyID scalar }
			}
		}
		LifecycleConfiguration struct { // nothing expires in a play
			Rules []struct {
				Id, Prefix, Status, ExpirationInDays scalar
				NoncurrentVersionExpiration          struct{ NoncurrentDays scalar }
			}
		}
		Tags tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	bucket := s3.Bucket{Name: strings.ToLower(b.physical(p.BucketName, logical, 63)), Versioning: string(p.VersioningConfiguration.Status)}
	for _, rule := range p.BucketEncryption.ServerSideEncryptionConfiguration {
		bucket.Key = string(rule.ServerSideEncryptionByDefault.KMSMasterKeyID)
	}
	b.options.Buckets.AddBucket(bucket)
	b.buckets[bucket.Name] = bucket
	host := bucket.Name + ".s3"
	return &Resource{ID: bucket.Name, Attributes: map[string]string{
		"Arn": "arn:aws:s3:::" + bucket.Name, "DomainName": host + ".amazonaws.com",
		"RegionalDomainName": host + "." + b.options.World.Region + ".amazonaws.com",
	}}, nil
}

func makeBucketPolicy(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		Bucket         string
		PolicyDocument any
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	policy, err := policyOf(p.PolicyDocument)
	if err != nil {
		return nil, err
	}
	bucket, ok := b.buckets[p.Bucket]
	if !ok {
		return nil, fmt.Errorf("bucket %s is not of this stack", p.Bucket)
	}
	bucket.Policy = policy
	b.options.Buckets.AddBucket(bucket)
	b.buckets[p.Bucket] = bucket
	return &Resource{ID: b.physical("", logical, 64)}, nil
}

func makeDocument(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		Name, DocumentType, DocumentFormat, UpdateMethod scalar
		Content                                          any
		Tags                                             tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	if p.UpdateMethod != "NewVersion" && p.Name != "" {
		return nil, errors.New("UpdateMethod must be NewVersion, or a document with a Name cannot be updated")
	}
	raw, err := encode(p.Content)
	if text, isText := p.Content.(string); isText {
		raw = []byte(text)
	}
	if err != nil {
		return nil, err
	}
	name := b.physical(p.Name, logical, 128)
	return &Resource{ID: name}, b.options.Documents.PutDocument(name, raw, string(p.DocumentType))
}

// retentions are the days that logs may be kept. Source: "PutRetentionPolicy" of the CloudWatch Logs API reference.
var retentions = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// makeLogGroup only checks: the emulated functions' logs are kept by the emulated Lambda.
func makeLogGroup(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		LogGroupName, RetentionInDays, KmsKeyId scalar
		Tags                                    tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	days, err := p.RetentionInDays.int(retentions[0])
	if err != nil {
		return nil, err
	}
	if !slices.Contains(retentions, days) {
		return nil, fmt.Errorf("RetentionInDays: %d is not a number of days that logs can be kept", days)
	}
	name := b.physical(p.LogGroupName, logical, 512)
	return &Resource{ID: name, Attributes: map[string]string{"Arn": b.arn("logs", "log-group:"+name+":*")}}, nil
}

func makeMonitoring(b *builder, _ string, properties any) (*Resource, error) {
	var p struct {
		DistributionId         string
		MonitoringSubscription struct {
			RealtimeMetricsSubscriptionConfig struct{ RealtimeMetricsSubscriptionStatus scalar }
		}
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	status := p.MonitoringSubscription.RealtimeMetricsSubscriptionConfig.RealtimeMetricsSubscriptionStatus
	b.options.Distributions.SetMonitoring(p.DistributionId, status == "Enabled")
	return &Resource{ID: p.DistributionId}, nil
}
