// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"encoding/json"
	"sync"
)

// Principal is who signed a request.
type Principal struct {
	ARN            string // arn:aws:sts::…:assumed-role/NAME/SESSION, arn:aws:iam::…:user/NAME
	IAM            string // the IAM entity behind it: the role's or the user's ARN (aws:PrincipalArn)
	UserID         string // aws:userid: AROA…:SESSION for a role
	Account        string
	SourceIdentity string
	Service        string          // a service principal, as "sns.amazonaws.com"; the others are empty
	SessionPolicy  json.RawMessage // what AssumeRole narrowed it to
	Operator       bool            // the account's administrator: an access key nobody handed out
}

// Credentials are what a principal signs with.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Role is an IAM role.
type Role struct {
	Name     string
	ARN      string
	ID       string                     // AROA…
	Trust    *Policy                    // who may assume it
	Policies map[string]json.RawMessage // inline and managed, by name
	Boundary json.RawMessage
}

// User is an IAM user.
type User struct {
	Name, ARN, ID string
	Policies      map[string]json.RawMessage
}

// Policy is a policy document.
type Policy struct {
	Raw json.RawMessage
}

// Identity is IAM and the sessions that STS handed out.
type Identity struct {
	mu      sync.Mutex
	account string
	roles   map[string]*Role // by ARN
	users   map[string]*User // by ARN
	keys    map[string]Principal
}

// NewIdentity is an account without roles and users.
func NewIdentity(account string) *Identity {
	return &Identity{account: account, roles: map[string]*Role{}, users: map[string]*User{}, keys: map[string]Principal{}}
}
