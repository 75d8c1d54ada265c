// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

// delivered are the deliveries of two distributions.
const delivered = `{
	"deliverySources": [{"name":"cdn","resourceArns":["arn:aws:cloudfront::111122223333:distribution/` + id + `"]},
		{"name":"other","resourceArns":["arn:aws:cloudfront::111122223333:distribution/E2OTHER"]}],
	"deliveries": [
		{"deliverySourceName":"cdn","deliveryDestinationArn":"d:s3","deliveryDestinationType":"S3","s3DeliveryConfiguration":{"suffixPath":"{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"}},
		{"deliverySourceName":"cdn","deliveryDestinationArn":"d:cwl","deliveryDestinationType":"CWL"},
		{"deliverySourceName":"cdn","deliveryDestinationArn":"d:fh","deliveryDestinationType":"FH"},
		{"deliverySourceName":"other","deliveryDestinationArn":"d:s3","deliveryDestinationType":"S3"}],
	"deliveryDestinations": [
		{"arn":"d:s3","outputFormat":"json","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:s3:::cdn-logs/web"}},
		{"arn":"d:cwl","outputFormat":"json","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/cdn"}},
		{"arn":"d:fh","outputFormat":"json","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:firehose:us-east-1:111122223333:deliverystream/cdn"}}]}`
