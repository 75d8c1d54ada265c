// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package logs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// delivered is a delivery source, delivery or delivery destination, as far as another one's making rests on it.
type delivered struct {
	Name         string   `json:"name"`
	ID           string   `json:"id"`
	ARN          string   `json:"arn"`
	ResourceArns []string `json:"resourceArns"`
	Source       string   `json:"deliverySourceName"`
	Destination  string   `json:"deliveryDestinationArn"`
	Type         string   `json:"deliveryDestinationType"`
	Format       string   `json:"outputFormat"`
}

// Delivered is a Region's delivery sources, deliveries or delivery destinations, as the AWS CLI prints them.
func (s *Service) Delivered(region, kind string) []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries[region][kind])
}

// find is the place of the first one that is meant, -1 for none. The lock is held.
func (s *Service) find(region, kind string, meant func(delivered) bool) (int, delivered) {
	for i, raw := range s.deliveries[region][kind] {
		var d delivered
		if json.Unmarshal(raw, &d) == nil && meant(d) {
			return i, d
		}
	}
	return -1, delivered{}
}

// keep replaces what stands at a place, or adds where that is -1. The lock is held.
func (s *Service) keep(region, kind string, at int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if s.deliveries[region] == nil {
		s.deliveries[region] = map[string][]json.RawMessage{}
	}
	if at < 0 {
		s.deliveries[region][kind] = append(s.deliveries[region][kind], text)
		return nil
	}
	s.deliveries[region][kind][at] = text
	return nil
}

// deliveryARN is the ARN of a delivery source, a delivery destination or a delivery.
func deliveryARN(c *kernel.Call, kind, name string) string {
	return "arn:aws:logs:" + c.Region + ":" + c.World.Account + ":" + kind + ":" + name
}

// operate makes a handler of a typed function; resources are what IAM is asked about.
func operate[In any](action string, resources func(*kernel.Call, In) []string, do func(*kernel.Call, In) (any, error)) jsonrpc.Handler {
	return func(c *kernel.Call) (any, error) {
		var in In
		decoded := jsonrpc.Decode(c, &in)
		if err := c.Begin(kernel.Access{Action: "logs:" + action, Resources: resources(c, in)}); err != nil {
			return nil, err
		}
		if decoded != nil {
			return nil, decoded
		}
		return do(c, in)
	}
}

// deliveryHandlers are the operations that make deliveries and take them away.
func (s *Service) deliveryHandlers() map[string]jsonrpc.Handler {
	named := func(kind string) func(*kernel.Call, nameInput) []string {
		return func(c *kernel.Call, in nameInput) []string { return []string{deliveryARN(c, kind, in.Name)} }
	}
	return map[string]jsonrpc.Handler{
		"PutDeliverySource": operate("PutDeliverySource", func(c *kernel.Call, in sourceInput) []string {
			return []string{deliveryARN(c, "delivery-source", in.Name)}
		}, s.putSource),
		"PutDeliveryDestination": operate("PutDeliveryDestination", func(c *kernel.Call, in destinationInput) []string {
			return []string{deliveryARN(c, "delivery-destination", in.Name)}
		}, s.putDestination),
		"CreateDelivery": operate("CreateDelivery", func(c *kernel.Call, in deliveryInput) []string {
			return []string{deliveryARN(c, "delivery-source", in.DeliverySourceName), in.DeliveryDestinationArn, deliveryARN(c, "delivery", "*")}
		}, s.createDelivery),
		"DeleteDelivery": operate("DeleteDelivery", func(c *kernel.Call, in idInput) []string {
			return []string{deliveryARN(c, "delivery", in.ID)}
		}, s.deleteDelivery),
		"DeleteDeliverySource":      operate("DeleteDeliverySource", named("delivery-source"), s.deleteSource),
		"DeleteDeliveryDestination": operate("DeleteDeliveryDestination", named("delivery-destination"), s.deleteDestination),
	}
}

type (
	nameInput   struct{ Name string }
	idInput     struct{ ID string }
	sourceInput struct {
		Name, ResourceArn, LogType string
		Tags                       map[string]string
	}
	destinationInput struct {
		Name, OutputFormat, DeliveryDestinationType string
		DeliveryDestinationConfiguration            struct{ DestinationResourceArn string }
		Tags                                        map[string]string
	}
	deliveryInput struct {
		DeliverySourceName, DeliveryDestinationArn, FieldDelimiter string
		RecordFields                                               []string
		S3DeliveryConfiguration                                    *struct {
			SuffixPath               string `json:"suffixPath"`
			EnableHiveCompatiblePath bool   `json:"enableHiveCompatiblePath"`
		}
		Tags map[string]string
	}
)

// deliveryName is what a source or destination may be called: 1 to 60 letters, digits, hyphens and underscores.
var deliveryName = regexp.MustCompile(`^[\w-]{1,60}$`)

func conflict(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "ConflictException", format, args...)
}

func validation(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

func noDelivery(what string) error {
	return kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Requested %s does not exist in this account.", what)
}

// putSource makes a source, or writes the same again. A distribution has one, and is known in us-east-1 only; the caller
// must be let send that distribution's logs [CloudFront guide, "Standard logging (v2)"].
func (s *Service) putSource(c *kernel.Call, in sourceInput) (any, error) {
	switch {
	case !deliveryName.MatchString(in.Name):
		return nil, validation("The name of the delivery source is not valid.")
	case !strings.Contains(in.ResourceArn, ":cloudfront::") || in.LogType != "ACCESS_LOGS" || c.Region != "us-east-1":
		return nil, validation("Cannot deliver %s of %s in %s.", in.LogType, in.ResourceArn, c.Region)
	}
	if err := c.Also(kernel.Access{Action: "cloudfront:AllowVendedLogDeliveryForResource", Resources: []string{in.ResourceArn}}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, other := s.find(c.Region, Sources, func(d delivered) bool { return slices.Contains(d.ResourceArns, in.ResourceArn) && d.Name != in.Name }); other.Name != "" {
		return nil, conflict("This ResourceId has already been used in another Delivery Source in this account")
	}
	at, there := s.find(c.Region, Sources, func(d delivered) bool { return d.Name == in.Name })
	if at >= 0 && !slices.Contains(there.ResourceArns, in.ResourceArn) {
		return nil, conflict("The delivery source %s is about another resource.", in.Name)
	}
	source := map[string]any{
		"name": in.Name, "arn": deliveryARN(c, "delivery-source", in.Name), "resourceArns": []string{in.ResourceArn}, "service": "cloudfront", "logType": in.LogType,
	}
	return map[string]any{"deliverySource": source}, s.keep(c.Region, Sources, at, source)
}

// putDestination makes a destination, or writes it again; its format stays what it was made with.
func (s *Service) putDestination(c *kernel.Call, in destinationInput) (any, error) {
	target, formats := in.DeliveryDestinationConfiguration.DestinationResourceArn, []string{"json", "plain", "w3c", "raw", "parquet"}
	kind := ""
	for service, name := range map[string]string{":s3:": "S3", ":logs:": "CWL", ":firehose:": "FH"} {
		if strings.Contains(target, service) {
			kind = name
		}
	}
	if !deliveryName.MatchString(in.Name) || kind == "" || !slices.Contains(formats, in.OutputFormat) {
		return nil, validation("The delivery destination %s is not valid.", in.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, there := s.find(c.Region, Destinations, func(d delivered) bool { return d.Name == in.Name })
	if at >= 0 && there.Format != in.OutputFormat {
		return nil, validation("The output format of a delivery destination cannot be changed.")
	}
	destination := map[string]any{
		"name": in.Name, "arn": deliveryARN(c, "delivery-destination", in.Name), "deliveryDestinationType": kind, "outputFormat": in.OutputFormat,
		"deliveryDestinationConfiguration": map[string]string{"destinationResourceArn": target},
	}
	return map[string]any{"deliveryDestination": destination}, s.keep(c.Region, Destinations, at, destination)
}

// createDelivery connects a source and a destination, once.
func (s *Service) createDelivery(c *kernel.Call, in deliveryInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, _ := s.find(c.Region, Sources, func(d delivered) bool { return d.Name == in.DeliverySourceName }); at < 0 {
		return nil, noDelivery("delivery source")
	}
	at, destination := s.find(c.Region, Destinations, func(d delivered) bool { return d.ARN == in.DeliveryDestinationArn })
	if at < 0 {
		return nil, noDelivery("delivery destination")
	}
	if at, _ := s.find(c.Region, Deliveries, func(d delivered) bool {
		return d.Source == in.DeliverySourceName && d.Destination == in.DeliveryDestinationArn
	}); at >= 0 {
		return nil, conflict("Delivery already exists for this delivery source and delivery destination.")
	}
	s.serial++
	id := fmt.Sprintf("dlv%013x", s.serial)
	delivery := map[string]any{
		"id": id, "arn": deliveryARN(c, "delivery", id), "deliverySourceName": in.DeliverySourceName, "deliveryDestinationArn": in.DeliveryDestinationArn,
		"deliveryDestinationType": destination.Type,
	}
	if len(in.RecordFields) > 0 {
		delivery["recordFields"] = in.RecordFields
	}
	if in.FieldDelimiter != "" {
		delivery["fieldDelimiter"] = in.FieldDelimiter
	}
	if in.S3DeliveryConfiguration != nil {
		delivery["s3DeliveryConfiguration"] = in.S3DeliveryConfiguration
	}
	return map[string]any{"delivery": delivery}, s.keep(c.Region, Deliveries, -1, delivery)
}

func (s *Service) deleteDelivery(c *kernel.Call, in idInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(c, Deliveries, "delivery", func(d delivered) bool { return d.ID == in.ID })
}

func (s *Service) deleteSource(c *kernel.Call, in nameInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, _ := s.find(c.Region, Deliveries, func(d delivered) bool { return d.Source == in.Name }); at >= 0 {
		return nil, conflict("This operation is not allowed because some deliveries use the delivery source.")
	}
	return s.remove(c, Sources, "delivery source", func(d delivered) bool { return d.Name == in.Name })
}

func (s *Service) deleteDestination(c *kernel.Call, in nameInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := deliveryARN(c, "delivery-destination", in.Name)
	if at, _ := s.find(c.Region, Deliveries, func(d delivered) bool { return d.Destination == arn }); at >= 0 {
		return nil, conflict("This operation is not allowed because some deliveries use the delivery destination.")
	}
	return s.remove(c, Destinations, "delivery destination", func(d delivered) bool { return d.Name == in.Name })
}

// remove takes one away. The lock is held.
func (s *Service) remove(c *kernel.Call, kind, called string, meant func(delivered) bool) (any, error) {
	at, _ := s.find(c.Region, kind, meant)
	if at < 0 {
		return nil, noDelivery(called)
	}
	s.deliveries[c.Region][kind] = slices.Delete(s.deliveries[c.Region][kind], at, at+1)
	return map[string]any{}, nil
}
