// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"
	"time"

	"cloudfront503/pkg/incident"
)

// busAlarm is the detail of EventBridge's two state changes. A contributor's has alarmContributor and no previousState.
//
//	{"alarmName":"…","configuration":{"description":"…","metrics":[…]},"previousState":{"value":"OK",…},"state":{"value":"ALARM","reason":"…","reasonData":"{…}","timestamp":"…"},"muteDetail":{"mutedByArn":"arn:aws:cloudwatch:…","muteWindowStart":"…","muteWindowEnd":"…"}}
//	{"alarmName":"…","alarmContributor":{"id":"…","attributes":{"DistributionId":"E1EXAMPLE"}},"configuration":{…},"state":{…}}
//
// Source: CloudWatch User Guide, "Alarm events and EventBridge". These events keep coming while an alarm is muted and
// while its actions are off, so muteDetail must be heeded and ActionsEnabled be looked up.
type busAlarm struct {
	AlarmName        string
	Configuration    alarmConfiguration
	State            alarmState
	PreviousState    alarmState
	AlarmContributor struct {
		ID         string
		Attributes map[string]string
	}
	MuteDetail *muteDetail
}

type muteDetail struct {
	MutedByARN    string `json:"mutedByArn"`
	MuteWindowEnd loose
}

func (m *muteDetail) silences() string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf("muted by %s until %s", clip(m.MutedByARN, 200), clip(string(m.MuteWindowEnd), 40))
}

func readBusAlarm(e busEvent, d delivery) (incident.Trigger, error) {
	var detail busAlarm
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		return incident.Trigger{}, fmt.Errorf("alarm event %s: %w", clip(e.ID, 40), err)
	}
	a := stateOf(detail.State, detail.PreviousState)
	a.Name, a.Contributor = detail.AlarmName, clip(detail.AlarmContributor.ID, 80)
	if len(e.Resources) > 0 {
		a.ARN = tidyARN(e.Resources[0])
	}
	if mute := detail.MuteDetail.silences(); mute != "" {
		a.Silenced = mute
	}
	configure(&a, detail.Configuration, detail.AlarmContributor.Attributes)
	return alarmTrigger(a, d)
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
