// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"math"

	"cloudfront503/pkg/incident"
)

// knownCodes are the codes of quotas that every account has, by service and name [Service Quotas].
var knownCodes = map[[2]string]string{
	{"lambda", "Concurrent executions"}: "L-B99A9384",
}

// requestQuota drafts the request of more of the quota that is used up.
func requestQuota(in Input, plan *incident.Plan) string {
	used := in.Diagnosis.Detail.Quota
	if used == nil {
		return "The quota that is used up could not be read."
	}
	code := used.Code
	if code == "" {
		code = knownCodes[[2]string{used.Service, used.Name}]
	}
	if plan.Cause == incident.LambdaEdgeRate && used.Value >= edgeRate/perExecution {
		return "The rate is at Lambda@Edge's own limit of 10,000 requests a second and Region, which more concurrency does not raise."
	}
	desired, why := Desired(used.Value, used.Used)
	if code == "" {
		why = "Service Quotas' code of the quota could not be read."
	}
	if why != "" {
		return why
	}
	plan.Quota = &incident.QuotaRequest{
		Service: used.Service, Code: code, Name: used.Name, Region: used.Region, Current: used.Value, Desired: desired,
	}
	plan.Hash = incident.ChangeHash(in.Distribution, plan.ETag, nil, plan.Quota)
	return ""
}

// Lambda takes ten requests a second for each concurrent execution, and for Lambda@Edge no more than 10,000 in a Region
// [CloudFront guide, "Quotas on Lambda@Edge"].
const (
	perExecution = 10
	edgeRate     = 10_000
)

// The rule for the value to ask for.
const (
	quotaStep    = 100 // values are rounded up to whole steps, as people ask for them
	mostIncrease = 10  // times the value in force: more is a mistake of the measurement, or for AWS Support to discuss
)

// Desired is the value to ask for: twice the highest use that was seen, at least twice the value in force, because
// throttled requests were not seen; rounded up to a whole hundred, and never more than ten times the value in force. Where
// the use is too high to be true for that value, why says so and nothing is asked for.
func Desired(value, used float64) (desired float64, why string) {
	if !(value > 0) || math.IsInf(value, 0) || math.IsNaN(used) {
		return 0, "The value of the quota in force could not be read."
	}
	most := value * mostIncrease
	wanted := 2 * math.Max(value, used)
	if wanted > most {
		return 0, fmt.Sprintf("The use that was seen (%s) does not fit the quota in force (%s): somebody should look first.", number(used), number(value))
	}
	return math.Min(math.Ceil(wanted/quotaStep)*quotaStep, most), ""
}
