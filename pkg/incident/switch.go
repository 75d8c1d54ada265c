// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// ActionEvidence is the Action of what is Written where evidence is switched on. It mends nothing: the cause is looked for on.
const ActionEvidence = "evidence"

// EvidenceRecipe switches on what tells causes apart, and what warns before a quota is used up. What was on already when it
// was planned is not in it.
type EvidenceRecipe struct {
	Metrics bool         `json:"metrics,omitempty"` // CloudFront's additional metrics
	Logs    *LogDelivery `json:"logs,omitempty"`    // standard logs, version 2; nil: as they are
	Alarms  []QuotaAlarm `json:"alarms,omitempty"`
}

// LogDelivery sends a distribution's standard logs to a bucket, through CloudWatch Logs.
type LogDelivery struct {
	Name   string `json:"name"`   // of the delivery source and of the delivery destination
	Source string `json:"source"` // the distribution's ARN
	Target string `json:"target"` // the bucket's ARN, with a prefix
	Path   string `json:"path"`   // under the prefix, with CloudWatch Logs' variables
}

// QuotaAlarm warns when most of a quota is used. It lies in the Region of its metric, and of the topic that it tells: an
// alarm sees and tells nothing of another [CloudWatch PutMetricAlarm].
type QuotaAlarm struct {
	Name       string            `json:"name"`
	Region     string            `json:"region,omitempty"` // empty: the stack's own
	Quota      string            `json:"quota"`            // its name
	Value      float64           `json:"value"`            // of the quota when this was planned
	Namespace  string            `json:"namespace"`
	Metric     string            `json:"metric"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
	Statistic  string            `json:"statistic"` // over a minute
	Threshold  float64           `json:"threshold"`
	Topic      string            `json:"topic"` // the ARN of the topic that is told
}
