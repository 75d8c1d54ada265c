// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// callerHours is how long an execution may run in its caller's session. Source: "Systems Manager endpoints and quotas".
const callerHours = 12

// sessionPrefix begins the name of the session that an execution runs in; its id follows.
const sessionPrefix = "Automation-"

// session is who an execution calls as.
type session struct {
	credentials kernel.Credentials
}

// AssumeRole is the ARN of the role that an execution would run with, its parameters put in; empty for the caller's
// session. The error is an *APIError.
func AssumeRole(s Start) (string, error) {
	values, _, err := parameters(s)
	if err != nil {
		return "", err
	}
	e := &execution{doc: s.Definition, values: values}
	return e.role()
}

func (e *execution) role() (string, error) {
	role, err := e.text(e.doc.AssumeRole)
	if err != nil {
		return "", badParameter("assumeRole: %v", err)
	}
	return strings.TrimSpace(role), nil
}

// assume takes the session that the whole execution runs in. The role's trust policy must admit Systems Manager for this
// account and this execution.
func (e *execution) assume(caller kernel.Principal) error {
	role, err := e.role()
	if err != nil {
		return err
	}
	if role == "" {
		e.deadline = e.record.Start.Add(callerHours * time.Hour)
		e.session.credentials, err = e.callerCredentials(caller)
		return err
	}
	e.record.AssumeRole = role
	world := e.x.world
	found, ok := world.Identity.Role(role)
	if !ok {
		return unassumable(role)
	}
	conditions := map[string]string{"aws:SourceAccount": world.Account, "aws:SourceArn": e.arn()}
	if err := world.ServiceMay("ssm.amazonaws.com", e.arn(), "sts:AssumeRole", role, found.Trust, conditions); err != nil {
		return unassumable(role)
	}
	e.session.credentials, err = world.Identity.Session(role, sessionPrefix+e.record.ID, "", nil)
	return err
}

// unassumable is worded as in "Troubleshooting Systems Manager Automation".
func unassumable(role string) error {
	return badParameter("The defined assume role is unable to be assumed: %s", role)
}

func (e *execution) arn() string {
	return "arn:aws:ssm:" + e.record.Region + ":" + e.x.world.Account + ":automation-execution/" + e.record.ID
}

// callerCredentials stand for the caller's own session, which Automation carries on with.
func (e *execution) callerCredentials(caller kernel.Principal) (kernel.Credentials, error) {
	identity := e.x.world.Identity
	if caller.Operator {
		return kernel.Credentials{AccessKeyID: "operator", SecretAccessKey: "operator"}, nil
	}
	if _, ok := identity.User(caller.ARN); ok {
		return identity.UserCredentials(caller.ARN)
	}
	name := caller.ARN[strings.LastIndex(caller.ARN, "/")+1:]
	credentials, err := identity.Session(caller.IAM, name, caller.SourceIdentity, caller.SessionPolicy)
	if err != nil {
		return kernel.Credentials{}, kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "no session of %s", caller.ARN)
	}
	return credentials, nil
}
