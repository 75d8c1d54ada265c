// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

const serverlessFunction = "AWS::Serverless::Function"

// expand writes out what SAM makes of its short forms: global properties, roles, rules, subscriptions and permissions.
// Source: the SAM specification, versions/2016-10-31.md of aws/serverless-application-model.
func (t *template) expand(globals map[string]map[string]any) error {
	for section := range globals {
		if section != "Function" {
			return fmt.Errorf("globals: section %s is not emulated", section)
		}
	}
	for _, name := range sortedKeys(t.resources) {
		d := t.resources[name]
		if d.Type != serverlessFunction {
			continue
		}
		d.Properties, _ = merge(globals["Function"], d.Properties).(map[string]any)
		f := serverless{template: t, name: name, declaration: d}
		if err := f.expand(); err != nil {
			return within(name, err)
		}
	}
	return nil
}

// merge puts properties over global ones: maps are merged, lists appended, everything else replaced.
func merge(global, own any) any {
	switch own := own.(type) {
	case nil:
		return global
	case map[string]any:
		return mergeMaps(global, own)
	case []any:
		list, _ := global.([]any)
		return append(slices.Clone(list), own...)
	}
	return own
}

func mergeMaps(global any, own map[string]any) any {
	base, isMap := global.(map[string]any)
	_, _, baseCalls := function(base)
	if _, _, calls := function(own); calls || baseCalls || !isMap || len(base) == 0 {
		return own
	}
	merged := maps.Clone(base)
	for name, value := range own {
		merged[name] = merge(base[name], value)
	}
	return merged
}

// serverless is one serverless function on its way into plain resources.
type serverless struct {
	template    *template
	name        string
	declaration declaration
}

func (f *serverless) expand() error {
	if f.declaration.Properties["Role"] == nil {
		if err := f.expandRole(); err != nil {
			return err
		}
	}
	events, _ := f.declaration.Properties["Events"].(map[string]any)
	for _, name := range sortedKeys(events) {
		if err := f.expandEvent(name, events[name]); err != nil {
			return within("Events: "+name, err)
		}
	}
	properties := copied(f.declaration.Properties)
	delete(properties, "Events")
	delete(properties, "Policies")
	f.declaration.Properties = properties
	f.template.resources[f.name] = f.declaration
	return nil
}

// add adds a resource that exists under the function's condition.
func (f *serverless) add(name, kind string, properties map[string]any) error {
	if _, taken := f.template.resources[name]; taken {
		return fmt.Errorf("SAM would make %s, which exists", name)
	}
	f.template.resources[name] = declaration{Type: kind, Condition: f.declaration.Condition, Properties: properties}
	return nil
}

func ref(name string) any { return map[string]any{"Ref": name} }

func att(name, attribute string) any {
	return map[string]any{"Fn::GetAtt": []any{name, attribute}}
}

// copied is a map of one's own, also of none.
func copied(members map[string]any) map[string]any {
	own := map[string]any{}
	maps.Copy(own, members)
	return own
}

// expandRole makes the role that SAM makes of Policies: statements, documents, and names of AWS's managed policies.
func (f *serverless) expandRole() error {
	var policies, managed []any
	managed = append(managed, "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	given, isList := f.declaration.Properties["Policies"].([]any)
	if !isList && f.declaration.Properties["Policies"] != nil {
		given = []any{f.declaration.Properties["Policies"]}
	}
	for i, policy := range given {
		document, isDocument := policy.(map[string]any)
		switch {
		case !isDocument:
			managed = append(managed, policy)
		case document["Statement"] != nil:
			policies = append(policies, map[string]any{"PolicyName": fmt.Sprintf("%sRolePolicy%d", f.name, i), "PolicyDocument": document})
		default:
			return fmt.Errorf("policy template %v is not emulated", sortedKeys(document))
		}
	}
	policies = append(policies, f.destinationPolicies()...)
	f.declaration.Properties = copied(f.declaration.Properties)
	f.declaration.Properties["Role"] = att(f.name+"Role", "Arn")
	return f.add(f.name+"Role", "AWS::IAM::Role", map[string]any{
		"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": []any{"lambda.amazonaws.com"}}, "Action": []any{"sts:AssumeRole"},
		}}},
		"ManagedPolicyArns": managed, "Policies": policies,
	})
}

// destinationPolicies let a made role send to the function's failure queue and dead-letter queue.
func (f *serverless) destinationPolicies() []any {
	var policies []any
	invoke, _ := f.declaration.Properties["EventInvokeConfig"].(map[string]any)
	destinations, _ := invoke["DestinationConfig"].(map[string]any)
	failure, _ := destinations["OnFailure"].(map[string]any)
	letters, _ := f.declaration.Properties["DeadLetterQueue"].(map[string]any)
	actions := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}
	for name, target := range map[string][2]any{
		"OnFailure": {failure["Type"], failure["Destination"]}, "DeadLetterQueue": {letters["Type"], letters["TargetArn"]},
	} {
		kind, _ := target[0].(string)
		if action, ok := actions[kind]; ok {
			policies = append(policies, map[string]any{"PolicyName": f.name + name + "Policy", "PolicyDocument": map[string]any{
				"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": action, "Resource": target[1]}},
			}})
		}
	}
	return policies
}

// expandEvent makes the rule or subscription of an event, and the permission for it.
func (f *serverless) expandEvent(name string, value any) error {
	event, _ := value.(map[string]any)
	properties, _ := event["Properties"].(map[string]any)
	kind, _ := event["Type"].(string)
	switch kind {
	case "EventBridgeRule", "CloudWatchEvent":
		return f.expandRule(name, map[string]string{"Pattern": "EventPattern", "State": "State"}, properties)
	case "Schedule":
		return f.expandRule(name, map[string]string{"Schedule": "ScheduleExpression", "Name": "Name", "Description": "Description"}, properties)
	case "SNS":
		return f.expandSubscription(name, properties)
	}
	return fmt.Errorf("event type %s is not emulated", kind)
}

// expandRule makes an AWS::Events::Rule: names says which properties go to the rule, the others go to its target.
func (f *serverless) expandRule(event string, names map[string]string, properties map[string]any) error {
	rule, target := map[string]any{}, map[string]any{"Id": f.name + event + "LambdaTarget", "Arn": att(f.name, "Arn")}
	for _, name := range sortedKeys(properties) {
		switch {
		case names[name] != "":
			rule[names[name]] = properties[name]
		case name == "Enabled":
			on, isBool := properties[name].(bool)
			if !isBool {
				return errors.New("property Enabled: only true and false are emulated")
			}
			rule["State"] = map[bool]string{true: "ENABLED", false: "DISABLED"}[on]
		case name == "DeadLetterConfig":
			queue, err := deadLetterQueue(properties[name])
			if err != nil {
				return err
			}
			target[name] = queue
		case slices.Contains([]string{"Input", "InputPath", "InputTransformer", "RetryPolicy"}, name):
			target[name] = properties[name]
		default:
			return fmt.Errorf("property %s is not emulated", name)
		}
	}
	rule["Targets"] = []any{target}
	if err := f.add(f.name+event, "AWS::Events::Rule", rule); err != nil {
		return err
	}
	return f.permit(event, "events.amazonaws.com", att(f.name+event, "Arn"))
}

// deadLetterQueue takes a queue's ARN; that SAM makes one itself (Type: SQS) is not emulated.
func deadLetterQueue(config any) (any, error) {
	members, _ := config.(map[string]any)
	if members["Arn"] == nil || len(members) != 1 {
		return nil, fmt.Errorf("DeadLetterConfig: only Arn is emulated")
	}
	return config, nil
}

func (f *serverless) expandSubscription(event string, properties map[string]any) error {
	subscription := copied(properties)
	subscription["TopicArn"] = properties["Topic"]
	delete(subscription, "Topic")
	subscription["Protocol"], subscription["Endpoint"] = "lambda", att(f.name, "Arn")
	if err := f.add(f.name+event, "AWS::SNS::Subscription", subscription); err != nil {
		return err
	}
	return f.permit(event, "sns.amazonaws.com", properties["Topic"])
}

func (f *serverless) permit(event, principal string, source any) error {
	return f.add(f.name+event+"Permission", "AWS::Lambda::Permission", map[string]any{
		"Action": "lambda:InvokeFunction", "FunctionName": ref(f.name), "Principal": principal, "SourceArn": source,
	})
}
