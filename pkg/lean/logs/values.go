// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package logs

// page is what is asked, and answered, about the next one.
type page struct {
	NextToken *string `json:"nextToken,omitempty"`
}

type named struct {
	Name string `json:"name"`
}

// FilterLogEventsInput says which events: times are milliseconds since 1970.
type FilterLogEventsInput struct {
	LogGroupName  string  `json:"logGroupName"`
	FilterPattern string  `json:"filterPattern,omitempty"`
	StartTime     int64   `json:"startTime"`
	EndTime       int64   `json:"endTime"`
	NextToken     *string `json:"nextToken,omitempty"`
}

// FilterLogEventsOutput is a page of events.
type FilterLogEventsOutput struct {
	Events    []FilteredLogEvent `json:"events"`
	NextToken *string            `json:"nextToken"`
}

// FilteredLogEvent is one event.
type FilteredLogEvent struct {
	Message string `json:"message"`
}

// DeliverySource is something that writes logs.
type DeliverySource struct {
	Name         string   `json:"name,omitempty"`
	ResourceArns []string `json:"resourceArns,omitempty"`
	LogType      string   `json:"logType,omitempty"`
	Service      string   `json:"service,omitempty"`
}

// Delivery leads from a source to a destination.
type Delivery struct {
	ID                      string                   `json:"id,omitempty"`
	DeliverySourceName      string                   `json:"deliverySourceName,omitempty"`
	DeliveryDestinationARN  string                   `json:"deliveryDestinationArn,omitempty"`
	DeliveryDestinationType string                   `json:"deliveryDestinationType,omitempty"`
	RecordFields            []string                 `json:"recordFields,omitempty"`
	FieldDelimiter          string                   `json:"fieldDelimiter,omitempty"`
	S3DeliveryConfiguration *S3DeliveryConfiguration `json:"s3DeliveryConfiguration,omitempty"`
}

// S3DeliveryConfiguration is where the objects lie in a bucket.
type S3DeliveryConfiguration struct {
	SuffixPath               string `json:"suffixPath,omitempty"`
	EnableHiveCompatiblePath bool   `json:"enableHiveCompatiblePath"`
}

// DeliveryDestination is where logs are delivered to.
type DeliveryDestination struct {
	Name                             string                            `json:"name,omitempty"`
	ARN                              string                            `json:"arn,omitempty"`
	OutputFormat                     string                            `json:"outputFormat,omitempty"`
	DeliveryDestinationType          string                            `json:"deliveryDestinationType,omitempty"`
	DeliveryDestinationConfiguration *DeliveryDestinationConfiguration `json:"deliveryDestinationConfiguration,omitempty"`
}

// DeliveryDestinationConfiguration names the bucket, log group or stream.
type DeliveryDestinationConfiguration struct {
	DestinationResourceARN string `json:"destinationResourceArn,omitempty"`
}

// PutDeliverySourceInput says what a source is like.
type PutDeliverySourceInput struct {
	Name        string `json:"name"`
	ResourceARN string `json:"resourceArn"`
	LogType     string `json:"logType"`
}

// PutDeliveryDestinationInput says what a destination is like.
type PutDeliveryDestinationInput struct {
	Name                             string                           `json:"name"`
	OutputFormat                     string                           `json:"outputFormat,omitempty"`
	DeliveryDestinationConfiguration DeliveryDestinationConfiguration `json:"deliveryDestinationConfiguration"`
}

// CreateDeliveryInput says what a delivery is like.
type CreateDeliveryInput struct {
	DeliverySourceName      string                   `json:"deliverySourceName"`
	DeliveryDestinationARN  string                   `json:"deliveryDestinationArn"`
	S3DeliveryConfiguration *S3DeliveryConfiguration `json:"s3DeliveryConfiguration,omitempty"`
}
