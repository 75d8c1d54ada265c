// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// Cause is one of the thirty reasons why a distribution's viewers get a 503, in the names of docs/recorded-incident.md.
type Cause string

// The causes, in the order of docs/recorded-incident.md, which says what each means.
const (
	S3SlowDown               Cause = "s3-slow-down"
	S3Unavailable            Cause = "s3-unavailable"
	ALBNoTargets             Cause = "alb-no-targets"
	ALBFixedResponse         Cause = "alb-fixed-response"
	CLBNoCapacity            Cause = "clb-no-capacity"
	Target503                Cause = "target-503"
	HTTPAPITimeout           Cause = "http-api-timeout"
	Origin503                Cause = "origin-503"
	Replayed503              Cause = "replayed-503"
	FailoverSecondary503     Cause = "failover-secondary-503"
	LambdaEdgeConcurrency    Cause = "lambda-edge-concurrency"
	LambdaEdgeRate           Cause = "lambda-edge-rate"
	LambdaEdgeTimeout        Cause = "lambda-edge-timeout"
	LambdaEdgeError          Cause = "lambda-edge-error"
	LambdaEdgePermission     Cause = "lambda-edge-permission"
	LambdaEdgeService        Cause = "lambda-edge-service"
	FunctionError            Cause = "function-error"
	FunctionThrottled        Cause = "function-throttled"
	FunctionResidualThrottle Cause = "function-residual-throttle"
	DistributionQuota        Cause = "distribution-quota"
	ClientBurst              Cause = "client-burst"
	EdgeCapacity             Cause = "edge-capacity"
	OriginMTLS               Cause = "origin-mtls"
	CloudFrontIncident       Cause = "cloudfront-incident"
	WAF503                   Cause = "waf-503"
	FunctionGenerated503     Cause = "function-generated-503"
	ErrorPage503             Cause = "error-page-503"
	Staging503               Cause = "staging-503"
	Not503                   Cause = "not-503"
	Undetermined             Cause = "undetermined"
)

// Family groups causes by who can do something about them.
type Family string

// The families.
const (
	FamilyQuota         Family = "quota"
	FamilyAWSCapacity   Family = "aws-capacity"
	FamilyOrigin        Family = "origin"
	FamilyDeliberate    Family = "deliberate"
	FamilyEdgeCode      Family = "edge-code"
	FamilyPermission    Family = "permission"
	FamilyConfiguration Family = "configuration"
	FamilyNot503        Family = "not-503"
	FamilyUndetermined  Family = "undetermined"
)

// families is the family of each cause; its keys are all the causes there are.
var families = map[Cause]Family{
	S3SlowDown: FamilyQuota, S3Unavailable: FamilyAWSCapacity,
	ALBNoTargets: FamilyOrigin, ALBFixedResponse: FamilyDeliberate, CLBNoCapacity: FamilyOrigin,
	Target503: FamilyOrigin, HTTPAPITimeout: FamilyOrigin, Origin503: FamilyOrigin,
	Replayed503: FamilyOrigin, FailoverSecondary503: FamilyOrigin,
	LambdaEdgeConcurrency: FamilyQuota, LambdaEdgeRate: FamilyQuota,
	LambdaEdgeTimeout: FamilyEdgeCode, LambdaEdgeError: FamilyEdgeCode,
	LambdaEdgePermission: FamilyPermission, LambdaEdgeService: FamilyAWSCapacity,
	FunctionError: FamilyEdgeCode, FunctionThrottled: FamilyEdgeCode, FunctionResidualThrottle: FamilyAWSCapacity,
	DistributionQuota: FamilyQuota, ClientBurst: FamilyQuota, EdgeCapacity: FamilyAWSCapacity,
	OriginMTLS: FamilyConfiguration, CloudFrontIncident: FamilyAWSCapacity,
	WAF503: FamilyDeliberate, FunctionGenerated503: FamilyDeliberate,
	ErrorPage503: FamilyConfiguration, Staging503: FamilyConfiguration,
	Not503: FamilyNot503, Undetermined: FamilyUndetermined,
}

// Family is the family of c, or FamilyUndetermined for a cause that is not in the catalogue.
func (c Cause) Family() Family {
	if family, known := families[c]; known {
		return family
	}
	return FamilyUndetermined
}

// Known reports whether c is a cause of the catalogue.
func (c Cause) Known() bool { _, known := families[c]; return known }
