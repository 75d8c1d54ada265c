// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
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
	Tags     map[string]string // aws:PrincipalTag/…
	Longest  time.Duration     // MaxSessionDuration; zero is one hour
}

// User is an IAM user.
type User struct {
	Name, ARN, ID string
	Policies      map[string]json.RawMessage
	Tags          map[string]string // aws:PrincipalTag/…
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
	keys    map[string]accessKey
}

// accessKey is one that was handed out.
type accessKey struct {
	principal Principal
	token     string
	expires   time.Time // zero: never
}

// NewIdentity is an account without roles and users.
func NewIdentity(account string) *Identity {
	return &Identity{account: account, roles: map[string]*Role{}, users: map[string]*User{}, keys: map[string]accessKey{}}
}

// AddRole makes a role, or replaces the one with the same ARN. A missing ARN or ID is made up from the account and Name.
func (i *Identity) AddRole(role Role) Role {
	i.mu.Lock()
	defer i.mu.Unlock()
	if role.ARN == "" {
		role.ARN = "arn:aws:iam::" + i.account + ":role/" + role.Name
	}
	if role.ID == "" {
		role.ID = newID("AROA")
	}
	i.roles[role.ARN] = &role
	return role
}

// AddUser makes a user, or replaces the one with the same ARN. A missing ARN or ID is made up from the account and Name.
func (i *Identity) AddUser(user User) User {
	i.mu.Lock()
	defer i.mu.Unlock()
	if user.ARN == "" {
		user.ARN = "arn:aws:iam::" + i.account + ":user/" + user.Name
	}
	if user.ID == "" {
		user.ID = newID("AIDA")
	}
	i.users[user.ARN] = &user
	return user
}

// Role is the role with an ARN; ok is false where there is none.
func (i *Identity) Role(arn string) (role Role, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := i.roles[arn]
	if found == nil {
		return Role{}, false
	}
	return *found, true
}

// User is the user with an ARN; ok is false where there is none.
func (i *Identity) User(arn string) (user User, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := i.users[arn]
	if found == nil {
		return User{}, false
	}
	return *found, true
}

// Roles are all roles, sorted by ARN.
func (i *Identity) Roles() []Role {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []Role
	for _, arn := range slices.Sorted(maps.Keys(i.roles)) {
		all = append(all, *i.roles[arn])
	}
	return all
}

// RoleNamed is the role with a name; ok is false where there is none.
func (i *Identity) RoleNamed(name string) (role Role, ok bool) {
	all := i.Roles()
	at := slices.IndexFunc(all, func(r Role) bool { return r.Name == name })
	if at < 0 {
		return Role{}, false
	}
	return all[at], true
}

// UserNamed is the user with a name; ok is false where there is none.
func (i *Identity) UserNamed(name string) (user User, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(i.users)) {
		if i.users[arn].Name == name {
			return *i.users[arn], true
		}
	}
	return User{}, false
}

// SetTrust changes who may assume a role, by ARN; a role that is not there is left alone.
func (i *Identity) SetTrust(arn string, trust *Policy) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if role := i.roles[arn]; role != nil {
		role.Trust = trust
	}
}

// Session hands out credentials of a role without asking its trust policy: what a service does that runs something in the
// role. They do not expire. sourceIdentity and policy may be empty.
func (i *Identity) Session(roleARN, sessionName, sourceIdentity string, policy json.RawMessage) (Credentials, error) {
	return i.SessionUntil(time.Time{}, roleARN, sessionName, sourceIdentity, policy)
}

// SessionUntil is Session whose credentials end at a time of the clock.
func (i *Identity) SessionUntil(expires time.Time, roleARN, sessionName, sourceIdentity string, policy json.RawMessage) (Credentials, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	role := i.roles[roleARN]
	if role == nil {
		return Credentials{}, Errorf(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", roleName(roleARN))
	}
	account := i.accountIn(role.ARN)
	principal := Principal{
		ARN: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, role.Name, sessionName),
		IAM: role.ARN, UserID: role.ID + ":" + sessionName, Account: account,
		SourceIdentity: sourceIdentity, SessionPolicy: policy,
	}
	return i.hand("ASIA", accessKey{principal: principal, token: newID("token"), expires: expires}), nil
}

// UserCredentials hands out an access key of a user.
func (i *Identity) UserCredentials(arn string) (Credentials, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	user := i.users[arn]
	if user == nil {
		return Credentials{}, Errorf(http.StatusNotFound, "NoSuchEntity", "The user %s cannot be found.", arn)
	}
	return i.hand("AKIA", accessKey{principal: Principal{ARN: user.ARN, IAM: user.ARN, UserID: user.ID, Account: i.accountIn(user.ARN)}}), nil
}

func (i *Identity) hand(prefix string, k accessKey) Credentials {
	id := newID(prefix)
	i.keys[id] = k
	return Credentials{AccessKeyID: id, SecretAccessKey: newID("secret"), SessionToken: k.token}
}

// Principal is who signs with an access key. A key that nobody handed out is the account's operator, an administrator, so
// that any credentials do for looking around.
func (i *Identity) Principal(accessKey string) Principal {
	i.mu.Lock()
	defer i.mu.Unlock()
	if k, ok := i.keys[accessKey]; ok {
		return k.principal
	}
	arn := "arn:aws:iam::" + i.account + ":user/operator"
	return Principal{ARN: arn, IAM: arn, UserID: "AIDAOPERATOR000000000", Account: i.account, Operator: true}
}

// signer is Principal, with the token and the expiry of temporary credentials checked.
func (i *Identity) signer(accessKey, token string, now time.Time) (Principal, error) {
	principal := i.Principal(accessKey)
	i.mu.Lock()
	defer i.mu.Unlock()
	k, known := i.keys[accessKey]
	if known && k.token != token {
		return principal, Errorf(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	if known && !k.expires.IsZero() && now.After(k.expires) {
		return principal, Errorf(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return principal, nil
}

// entity is what IAM knows of a caller: the role or user behind it.
type entity struct {
	name     string
	policies map[string]json.RawMessage
	boundary json.RawMessage
	tags     map[string]string
}

// administrator is the operator's policy.
var administrator = map[string]json.RawMessage{
	"AdministratorAccess": json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`),
}

// entity finds the caller's role or user; a service and a deleted role have no policies.
func (i *Identity) entity(caller Principal) entity {
	i.mu.Lock()
	defer i.mu.Unlock()
	if caller.Operator {
		return entity{name: "operator", policies: administrator}
	}
	if role := i.roles[caller.IAM]; role != nil {
		return entity{name: role.Name, policies: maps.Clone(role.Policies), boundary: role.Boundary, tags: role.Tags}
	}
	if user := i.users[caller.IAM]; user != nil {
		return entity{name: user.Name, policies: maps.Clone(user.Policies), tags: user.Tags}
	}
	return entity{}
}

// keysOf are the condition keys that say who the caller is (IAM User Guide, "AWS global condition context keys").
func (i *Identity) keysOf(caller Principal) map[string]string {
	if caller.Service != "" {
		return map[string]string{"aws:PrincipalServiceName": caller.Service, "aws:PrincipalType": "Service"}
	}
	keys := map[string]string{
		"aws:PrincipalArn": caller.IAM, "aws:PrincipalAccount": caller.Account, "aws:userid": caller.UserID,
		"aws:PrincipalType": "AssumedRole",
	}
	if caller.ARN == caller.IAM {
		keys["aws:PrincipalType"] = "User"
		keys["aws:username"] = roleName(caller.IAM)
	}
	if caller.SourceIdentity != "" {
		keys["aws:SourceIdentity"] = caller.SourceIdentity
	}
	for name, value := range i.entity(caller).tags {
		keys["aws:PrincipalTag/"+name] = value
	}
	return keys
}

// newID is a random id as IAM makes them, as AROA2KZ….
func newID(prefix string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return prefix + base32.StdEncoding.EncodeToString(b[:])
}

// accountIn is the account that an IAM ARN names.
func (i *Identity) accountIn(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return i.account
}

// roleName is the last part of a role's ARN.
func roleName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
