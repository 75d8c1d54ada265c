// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

// action is what is known about one action of Automation documents.
type action struct {
	required []string // inputs
	optional []string // further inputs
	open     bool     // takes inputs beyond those
	outputs  []string // that need not be declared
	declares bool     // whether a step may declare outputs with selectors
	seconds  int      // the longest timeoutSeconds; 0: no limit known
}

// actions are those of the "Systems Manager Automation actions reference". Where open is set, the inputs are not listed
// here because no document of ours uses the action.
var actions = map[string]action{
	"aws:approve": {
		required: []string{"Approvers"}, optional: []string{"NotificationArn", "Message", "MinRequiredApprovals"},
		outputs: []string{"ApprovalStatus", "ApproverDecisions"}, seconds: MaxApproveSeconds,
	},
	"aws:assertAwsResourceProperty": {
		required: []string{"Service", "Api", "PropertySelector", "DesiredValues"}, open: true, declares: true,
	},
	"aws:branch":               {required: []string{"Choices"}, optional: []string{"Default"}},
	"aws:changeInstanceState":  {required: []string{"InstanceIds", "DesiredState"}, open: true, outputs: []string{"InstanceStates"}},
	"aws:copyImage":            {open: true, outputs: []string{"ImageId", "ImageState"}},
	"aws:createImage":          {open: true, outputs: []string{"ImageId", "ImageState"}},
	"aws:createStack":          {open: true, outputs: []string{"StackId", "StackStatus", "StackStatusReason", "ClientRequestToken"}},
	"aws:createTags":           {required: []string{"ResourceIds", "Tags"}, optional: []string{"ResourceType"}},
	"aws:deleteImage":          {open: true},
	"aws:deleteStack":          {open: true, outputs: []string{"StackStatus", "StackStatusReason", "ClientRequestToken"}},
	"aws:executeAutomation":    {required: []string{"DocumentName"}, open: true, outputs: []string{"ExecutionId", "Output", "Status"}},
	"aws:executeAwsApi":        {required: []string{"Service", "Api"}, open: true, outputs: []string{"OutputPayload"}, declares: true, seconds: MaxAPISeconds},
	"aws:executeScript":        {open: true, outputs: []string{"Payload"}, declares: true, seconds: 600},
	"aws:executeStateMachine":  {open: true, outputs: []string{"executionArn", "input", "name", "output", "startDate", "stateMachineArn", "status"}},
	"aws:invokeLambdaFunction": invokeLambdaFunction,
	"aws:invokeWebhook":        {open: true, outputs: []string{"Response", "ResponseCode"}},
	"aws:loop":                 {required: []string{"Steps"}, optional: []string{"Iterators", "IteratorDataType", "LoopCondition", "MaxIterations"}, outputs: []string{"CurrentIteration", "CurrentIteratorValue"}},
	"aws:pause":                {seconds: MaxApproveSeconds},
	"aws:runCommand":           {open: true, outputs: []string{"CommandId", "Status", "ResponseCode", "Output"}},
	"aws:runInstances":         {open: true, outputs: []string{"InstanceIds", "InstanceStates"}},
	"aws:sleep":                {optional: []string{"Duration", "Timestamp"}},
	"aws:updateVariable":       {required: []string{"Name", "Value"}},
	"aws:waitForAwsResourceProperty": {
		required: []string{"Service", "Api", "PropertySelector", "DesiredValues"}, open: true, declares: true,
	},
}

var invokeLambdaFunction = action{
	required: []string{"FunctionName"},
	optional: []string{"Qualifier", "InvocationType", "LogType", "ClientContext", "InputPayload", "Payload"},
	outputs:  []string{"StatusCode", "FunctionError", "LogResult", "Payload"}, declares: true, seconds: MaxLambdaSeconds,
}

// noCancelTarget are the actions that onCancel may not lead to. Source: "Properties shared by all actions".
var noCancelTarget = []string{
	"aws:approve", "aws:copyImage", "aws:createImage", "aws:createStack", "aws:createTags", "aws:loop", "aws:pause",
	"aws:runInstances", "aws:sleep",
}

// noCancel are the actions that have no onCancel of their own.
var noCancel = []string{"aws:loop", "aws:updateVariable"}

// streaming are operations whose answer is a stream, which aws:executeAwsApi cannot make.
var streaming = map[string][]string{
	"lambda":          {"Invoke", "InvokeWithResponseStream"},
	"s3":              {"GetObject", "GetObjectTorrent", "SelectObjectContent", "PutObject", "UploadPart"},
	"logs":            {"StartLiveTail", "GetLogObject"},
	"bedrock-runtime": {"InvokeModelWithResponseStream", "ConverseStream"},
}

// parameterTypes are those a document may declare; AWS's own documents also use AWS::….
var parameterTypes = []string{"String", "StringList", "Integer", "Boolean", "MapList", "StringMap"}

// globals are the names behind "global:".
var globals = []string{"ACCOUNT_ID", "DATE", "DATE_TIME", "AWS_PARTITION", "REGION"}
