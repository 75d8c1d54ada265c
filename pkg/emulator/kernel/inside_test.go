// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"strings"
	"testing"
)

// parrot answers who called and what they said.
type parrot struct{}

func (parrot) Serve(c *Call) {
	if err := c.Begin(Access{Action: "parrot:Say"}); err != nil {
		c.FailJSON(err)
		return
	}
	c.JSON([]byte(c.Caller.ARN + " " + string(c.Body)))
}

func TestDoIsACallAsOthersMakeThem(t *testing.T) {
	w := NewWorld("111122223333", "us-east-1")
	w.Register("parrot", parrot{})
	role := w.Identity.AddRole(Role{Name: "mute"})
	session, err := w.Identity.Session(role.ARN, "s", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name        string
		credentials Credentials
		status      int
		want        string
	}{
		{"the operator may", Credentials{AccessKeyID: "operator"}, 200, "user/operator hello"},
		{"a role without the permission may not", session, 403, "AccessDenied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, body := w.Do(Request{Credentials: test.credentials, Service: "parrot", Body: []byte("hello"), Header: map[string]string{"Content-Type": "application/json"}})
			if status != test.status || !strings.Contains(string(body), test.want) {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
	if lines := w.Journal.Lines(); len(lines) != 2 || lines[1].Outcome == "ok" {
		t.Errorf("journal: %+v", lines)
	}
}

func TestDoWithTheAnswerLost(t *testing.T) {
	w := NewWorld("111122223333", "us-east-1")
	w.Register("parrot", parrot{})
	w.Faults.Add(Fault{Action: "parrot:Say", LoseAnswer: true})
	if status, _ := w.Do(Request{Service: "parrot"}); status != 502 {
		t.Errorf("got %d", status)
	}
}
