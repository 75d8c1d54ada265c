// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// sentences say of each cause, to somebody who was woken by it, what happens.
var sentences = map[Cause]string{
	S3SlowDown:               "the S3 origin answers 503 SlowDown: more requests than the prefix sustains",
	S3Unavailable:            "the S3 origin answers 503",
	ALBNoTargets:             "the load balancer has no target to send requests to",
	ALBFixedResponse:         "a rule of the load balancer answers 503 on purpose",
	CLBNoCapacity:            "the Classic Load Balancer has no healthy instance, or its queue is full",
	Target503:                "the application behind the load balancer answers 503",
	HTTPAPITimeout:           "the HTTP API gave up waiting for its integration",
	Origin503:                "the origin server answers 503",
	Replayed503:              "the origin has recovered, and the edges replay its cached 503",
	FailoverSecondary503:     "the origin group failed over, and the secondary origin answers 503",
	LambdaEdgeConcurrency:    "Lambda@Edge is throttled: the concurrency of a Region is used up",
	LambdaEdgeRate:           "Lambda@Edge is throttled: too many invocations a second",
	LambdaEdgeTimeout:        "a Lambda@Edge function runs into its time-out",
	LambdaEdgeError:          "a Lambda@Edge function fails",
	LambdaEdgePermission:     "CloudFront may not run the Lambda@Edge function, or it is gone",
	LambdaEdgeService:        "Lambda@Edge itself is impaired at AWS",
	FunctionError:            "a CloudFront Function fails",
	FunctionThrottled:        "a CloudFront Function is throttled",
	FunctionResidualThrottle: "the throttling of a CloudFront Function lingers though the function was replaced",
	DistributionQuota:        "the distribution is at its quota of requests a second or of bandwidth",
	ClientBurst:              "one client sends an edge more requests than it takes from one client",
	EdgeCapacity:             "an edge location is out of capacity",
	OriginMTLS:               "mutual TLS with the origin fails",
	CloudFrontIncident:       "CloudFront has an incident at AWS",
	WAF503:                   "an AWS WAF rule answers 503 on purpose",
	FunctionGenerated503:     "an edge function answers 503 on purpose",
	ErrorPage503:             "a custom error response turns another status into 503",
	Staging503:               "only the staging distribution's share of requests fails",
	Not503:                   "the failing answers are not 503",
	Undetermined:             "the evidence does not tell the cause",
}

// Sentence says in half a sentence what happens where this is the cause.
func (c Cause) Sentence() string {
	if sentence, known := sentences[c]; known {
		return sentence
	}
	return "the cause is not in the catalogue"
}
