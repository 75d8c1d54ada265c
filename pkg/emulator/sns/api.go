// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sns

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// operation is one action of the API.
type operation struct {
	parameters []string // all that it takes, without the numbers of lists and maps
	serve      func(*Service, *kernel.Call, url.Values) (any, error)
}

var operations = map[string]operation{
	"CreateTopic":               {[]string{"Name", "Attributes", "Tags"}, (*Service).createTopic},
	"DeleteTopic":               {[]string{"TopicArn"}, (*Service).deleteTopic},
	"ListTopics":                {[]string{"NextToken"}, (*Service).listTopics},
	"GetTopicAttributes":        {[]string{"TopicArn"}, (*Service).getTopicAttributes},
	"SetTopicAttributes":        {[]string{"TopicArn", "AttributeName", "AttributeValue"}, (*Service).setTopicAttributes},
	"Subscribe":                 {[]string{"TopicArn", "Protocol", "Endpoint", "Attributes", "ReturnSubscriptionArn"}, (*Service).subscribe},
	"ConfirmSubscription":       {[]string{"TopicArn", "Token", "AuthenticateOnUnsubscribe"}, (*Service).confirmSubscription},
	"Unsubscribe":               {[]string{"SubscriptionArn"}, (*Service).unsubscribe},
	"ListSubscriptions":         {[]string{"NextToken"}, (*Service).listSubscriptions},
	"ListSubscriptionsByTopic":  {[]string{"TopicArn", "NextToken"}, (*Service).listSubscriptionsByTopic},
	"GetSubscriptionAttributes": {[]string{"SubscriptionArn"}, (*Service).getSubscriptionAttributes},
	"SetSubscriptionAttributes": {[]string{"SubscriptionArn", "AttributeName", "AttributeValue"}, (*Service).setSubscriptionAttributes},
	"Publish":                   {[]string{"TopicArn", "TargetArn", "Message", "Subject", "MessageStructure", "MessageAttributes"}, (*Service).publish},
}

// Serve answers one request.
func (s *Service) Serve(c *kernel.Call) {
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		c.FailQuery(kernel.Errorf(http.StatusBadRequest, "MalformedQueryString", "%v", err))
		return
	}
	action := form.Get("Action")
	op, ok := operations[action]
	if !ok {
		s.world.Strict("sns: unknown operation %q", action)
		c.FailQuery(kernel.Errorf(http.StatusBadRequest, "InvalidAction", "The action %s is not valid for this endpoint.", action))
		return
	}
	if err := s.known(action, op, form); err != nil {
		c.FailQuery(err)
		return
	}
	result, err := op.serve(s, c, form)
	if err != nil {
		c.FailQuery(err)
		return
	}
	c.Query(action, result)
}

// known refuses a parameter that the operation would not read.
func (s *Service) known(action string, op operation, form url.Values) error {
	for name := range form {
		base, _, _ := strings.Cut(name, ".")
		if base == "Action" || base == "Version" || slices.Contains(op.parameters, base) {
			continue
		}
		s.world.Strict("sns: %s: parameter %s is not emulated", action, name)
		return invalid(name)
	}
	return nil
}

// begin begins a call on a topic, which may be missing, and answers what the topic is now.
func (s *Service) begin(c *kernel.Call, action, arn string) (*topic, error) {
	t := s.snapshot(arn)
	if err := c.Begin(kernel.Access{Action: "sns:" + action, Resources: []string{arn}, Policy: t.policy()}); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, noTopic()
	}
	return t, nil
}

// pairs reads a map, as Attributes.entry.1.key=…&Attributes.entry.1.value=….
func pairs(form url.Values, prefix, key, value string) map[string]string {
	all := map[string]string{}
	for i := 1; ; i++ {
		at := prefix + ".entry." + strconv.Itoa(i) + "."
		if !form.Has(at + key) {
			return all
		}
		all[form.Get(at+key)] = form.Get(at + value)
	}
}

// entries is a map in an answer.
type entries struct {
	Entry []pair `xml:"entry"`
}

type pair struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func entriesOf(values map[string]string) entries {
	var all entries
	for _, key := range slices.Sorted(maps.Keys(values)) {
		all.Entry = append(all.Entry, pair{key, values[key]})
	}
	return all
}

type topicResult struct {
	TopicArn string
}

func (s *Service) createTopic(c *kernel.Call, form url.Values) (any, error) {
	arn := s.topicARN(c.Region, form.Get("Name"))
	if err := c.Begin(kernel.Access{Action: "sns:CreateTopic", Resources: []string{arn}}); err != nil {
		return nil, err
	}
	arn, err := s.CreateTopicIn(c.Region, form.Get("Name"), pairs(form, "Attributes", "key", "value"))
	return topicResult{arn}, err
}

func (s *Service) deleteTopic(c *kernel.Call, form url.Values) (any, error) {
	arn := form.Get("TopicArn")
	t := s.snapshot(arn)
	if err := c.Begin(kernel.Access{Action: "sns:DeleteTopic", Resources: []string{arn}, Policy: t.policy()}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.topics, arn)
	return nil, nil
}

func (s *Service) listTopics(c *kernel.Call, _ url.Values) (any, error) {
	if err := c.Begin(kernel.Access{Action: "sns:ListTopics"}); err != nil {
		return nil, err
	}
	var result struct {
		Topics struct {
			Member []topicResult `xml:"member"`
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(s.topics)) {
		result.Topics.Member = append(result.Topics.Member, topicResult{arn})
	}
	return result, nil
}

type attributesResult struct {
	Attributes entries
}

func (s *Service) getTopicAttributes(c *kernel.Call, form url.Values) (any, error) {
	t, err := s.begin(c, "GetTopicAttributes", form.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	confirmed, pending := 0, 0
	for _, sub := range t.subscriptions {
		if sub.token == "" {
			confirmed++
		} else {
			pending++
		}
	}
	all := map[string]string{
		"TopicArn": t.arn, "Owner": s.world.Account, "Policy": string(t.policy().Raw), "SubscriptionsDeleted": "0",
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending),
	}
	maps.Copy(all, t.attributes)
	return attributesResult{entriesOf(all)}, nil
}

func (s *Service) setTopicAttributes(c *kernel.Call, form url.Values) (any, error) {
	if _, err := s.begin(c, "SetTopicAttributes", form.Get("TopicArn")); err != nil {
		return nil, err
	}
	return nil, s.SetTopicAttribute(form.Get("TopicArn"), form.Get("AttributeName"), form.Get("AttributeValue"))
}

type subscriptionResult struct {
	SubscriptionArn string
}

func (s *Service) subscribe(c *kernel.Call, form url.Values) (any, error) {
	if _, err := s.begin(c, "Subscribe", form.Get("TopicArn")); err != nil {
		return nil, err
	}
	arn, confirmed, err := s.Subscribe(Subscription{
		Topic: form.Get("TopicArn"), Protocol: form.Get("Protocol"), Endpoint: form.Get("Endpoint"),
		Attributes: pairs(form, "Attributes", "key", "value"),
	})
	if !confirmed && form.Get("ReturnSubscriptionArn") != "true" {
		arn = "pending confirmation"
	}
	return subscriptionResult{arn}, err
}

func (s *Service) confirmSubscription(c *kernel.Call, form url.Values) (any, error) {
	if _, err := s.begin(c, "ConfirmSubscription", form.Get("TopicArn")); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.topics[form.Get("TopicArn")].subscriptions {
		if sub.token != "" && sub.token == form.Get("Token") {
			sub.token = ""
			return subscriptionResult{sub.arn}, nil
		}
	}
	return nil, invalid("Token")
}

// onSubscription begins a call on a subscription.
func (s *Service) onSubscription(c *kernel.Call, action, arn string) error {
	return c.Begin(kernel.Access{Action: "sns:" + action, Resources: []string{arn}})
}

func (s *Service) unsubscribe(c *kernel.Call, form url.Values) (any, error) {
	arn := form.Get("SubscriptionArn")
	if err := s.onSubscription(c, "Unsubscribe", arn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, _, err := s.subscribed(arn)
	if err != nil {
		return nil, err
	}
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(sub *subscription) bool { return sub.arn == arn })
	return nil, nil
}

// subscriptionMember is a subscription in a list.
type subscriptionMember struct {
	SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string
}

type subscriptionsResult struct {
	Subscriptions struct {
		Member []subscriptionMember `xml:"member"`
	}
}

func (r *subscriptionsResult) add(t *topic, owner string) {
	for _, sub := range t.subscriptions {
		arn := sub.arn
		if sub.token != "" {
			arn = "PendingConfirmation"
		}
		r.Subscriptions.Member = append(r.Subscriptions.Member, subscriptionMember{arn, owner, sub.protocol, sub.endpoint, t.arn})
	}
}

func (s *Service) listSubscriptions(c *kernel.Call, _ url.Values) (any, error) {
	if err := c.Begin(kernel.Access{Action: "sns:ListSubscriptions"}); err != nil {
		return nil, err
	}
	var result subscriptionsResult
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(s.topics)) {
		result.add(s.topics[arn], s.world.Account)
	}
	return result, nil
}

func (s *Service) listSubscriptionsByTopic(c *kernel.Call, form url.Values) (any, error) {
	t, err := s.begin(c, "ListSubscriptionsByTopic", form.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	var result subscriptionsResult
	result.add(t, s.world.Account)
	return result, nil
}

func (s *Service) getSubscriptionAttributes(c *kernel.Call, form url.Values) (any, error) {
	arn := form.Get("SubscriptionArn")
	if err := s.onSubscription(c, "GetSubscriptionAttributes", arn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, sub, err := s.subscribed(arn)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": t.arn, "Owner": s.world.Account, "Protocol": sub.protocol, "Endpoint": sub.endpoint,
		"PendingConfirmation": strconv.FormatBool(sub.token != ""), "RawMessageDelivery": "false",
	}
	maps.Copy(all, sub.attributes)
	return attributesResult{entriesOf(all)}, nil
}

func (s *Service) setSubscriptionAttributes(c *kernel.Call, form url.Values) (any, error) {
	arn := form.Get("SubscriptionArn")
	if err := s.onSubscription(c, "SetSubscriptionAttributes", arn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, sub, err := s.subscribed(arn)
	if err != nil {
		return nil, err
	}
	changed := *sub
	changed.attributes = maps.Clone(sub.attributes)
	changed.attributes[form.Get("AttributeName")] = form.Get("AttributeValue")
	if err := changed.check(); err != nil {
		return nil, err
	}
	*sub = changed
	return nil, nil
}

type publishResult struct {
	MessageId string
}

func (s *Service) publish(c *kernel.Call, form url.Values) (any, error) {
	t, err := s.begin(c, "Publish", form.Get("TopicArn")+form.Get("TargetArn"))
	if err != nil {
		return nil, err
	}
	if err := s.mayUseKey(c.Caller, "", t); err != nil {
		return nil, err
	}
	m := message{id: kernel.NewUUID(), topic: t.arn, subject: form.Get("Subject"), text: form.Get("Message"), at: s.world.Clock.Now()}
	if m.attributes, err = messageAttributes(form); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if err := m.restructure(form.Get("MessageStructure")); err != nil {
		return nil, err
	}
	s.deliver(t, m)
	return publishResult{m.id}, nil
}

func (m *message) restructure(structure string) error {
	switch structure {
	case "":
		return nil
	case "json":
		return m.structure()
	}
	return invalid("MessageStructure")
}

// attributeTypes that a message attribute may have; a label may follow a dot, as in Number.int.
var attributeTypes = []string{"String", "Number", "Binary"}

func messageAttributes(form url.Values) (map[string]attribute, error) {
	all := map[string]attribute{}
	for i := 1; ; i++ {
		at := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if !form.Has(at + "Name") {
			return all, nil
		}
		a := attribute{Type: form.Get(at + "Value.DataType"), Value: form.Get(at+"Value.StringValue") + form.Get(at+"Value.BinaryValue")}
		kind, _, _ := strings.Cut(a.Type, ".")
		if !slices.Contains(attributeTypes, kind) || a.Value == "" {
			return nil, kernel.Errorf(http.StatusBadRequest, "ParameterValueInvalid",
				"The message attribute '%s' must contain a non-empty value of a known type.", form.Get(at+"Name"))
		}
		all[form.Get(at+"Name")] = a
	}
}
