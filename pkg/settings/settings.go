// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package settings turns a function's environment into one struct, with all problems said at once, and loads what every
// function needs of AWS: a configuration, and a clock that is AWS's own.
package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/incident"
)

// Settings are what template.yaml tells a function through its environment. Every function gets the same.
type Settings struct {
	Bucket        string             // CF503_BUCKET: where incidents and snapshots are kept
	Environment   string             // CF503_ENVIRONMENT: a word that stands in every message
	Distributions []string           // CF503_DISTRIBUTIONS: ids that are watched and may be changed; at least one
	Observe       bool               // CF503_MODE is observe: start no runbook, say what would have been asked
	Stop          bool               // CF503_STOP is yes: start nothing and write nothing
	Quorum        int                // CF503_QUORUM: how many different people must approve, 1 to 10
	GateByRole    bool               // CF503_GATE is role: a gate names the roles of its approvers; sessions: their sessions
	OptIn         string             // CF503_OPT_IN: the tag, KEY or KEY=VALUE, that a distribution must bear to be changed; may be empty
	EdgeRoles     []string           // CF503_EDGE_ROLES: the ARNs of the roles whose trust people may be asked to mend; may be empty
	MayDetach     bool               // CF503_DETACH is yes: people may be asked to take an edge function off; else no
	Calendar      string             // CF503_CALENDAR: the name or ARN of the Change Calendar that is respected; may be empty
	AskWhenClosed bool               // CF503_CLOSED is ask: people are asked while the calendar is closed; else they are told
	ProbePaths    []string           // CF503_PROBE_PATHS: at most three; empty takes them from the logs, else the root
	EdgeRegions   []string           // CF503_EDGE_REGIONS: Regions in which Lambda@Edge may run
	QuotaTopics   []string           // CF503_QUOTA_TOPICS: the ARNs of topics that alarms in other Regions tell, one a Region; may be empty
	Reserved      int                // CF503_RESERVED: the concurrency kept for each function; 0 keeps none
	TakenBack     incident.TakenBack // CF503_TAKE_BACK: when a change is taken back without asking again, worse or not-recovered; else never
	WatchHours    int                // CF503_WATCH_HOURS: how long a recovered incident is watched, 24 to 48
	Stack         string             // CF503_STACK: the stack's name, which begins every name in it
	Account       string             // CF503_ACCOUNT: twelve digits
	MACKey        string             // CF503_MAC_KEY: the ARN of the KMS key of the tickets
	Approvers     string             // one line an approver, name|principal ARN|reply topic ARN|channel topic ARN|circle, and |phone where texts from it are taken
	SMSNumber     string             // CF503_SMS: the stack's own number, which takes texts; empty: none are taken
	ChatRole      string             // CF503_CHAT: the ARN of the chat's role, which may reject; empty: none may
	Region        string             // AWS_REGION: us-east-1
	Wiki          Wiki               // CF503_WIKI_…: where pages about incidents go; the zero value: nowhere
}

// Wiki is a space of a Confluence Cloud site.
type Wiki struct {
	URL    string // CF503_WIKI_URL: https:// and a host, no path
	Space  string // CF503_WIKI_SPACE: the space's id, a number
	Parent string // CF503_WIKI_PARENT: the id of the page below which pages are made; may be empty
	Token  string // CF503_WIKI_TOKEN: the name of the SSM parameter that holds user:token; never the token itself
}

// Limits of single settings.
const (
	mostApprovers  = 10 // aws:approve takes no more [SSM "aws:approve"]
	mostProbePaths = 3
)

var (
	distributionID = regexp.MustCompile(`^[A-Z0-9]{8,20}$`)
	accountID      = regexp.MustCompile(`^[0-9]{12}$`)
	site           = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
	topicARN       = regexp.MustCompile(`^arn:aws:sns:([a-z]+-[a-z]+-[0-9]):[0-9]{12}:[A-Za-z0-9_-]+$`) // a standard topic
	ownNumber      = regexp.MustCompile(`^[+]?[0-9]+$`)
	pageID         = regexp.MustCompile(`^[0-9]{1,20}$`)
	parameterName  = regexp.MustCompile(`^/[A-Za-z0-9_.!+=@/-]+$`) // no count: it takes long to compile, and SSM has its own
)

// Load reads the settings. Its error names every variable that is missing or wrong, not just the first.
func Load(getenv func(string) string) (Settings, error) {
	r := reader{getenv: getenv}
	s := Settings{
		Bucket:        r.required("CF503_BUCKET"),
		Environment:   r.required("CF503_ENVIRONMENT"),
		Distributions: r.each("CF503_DISTRIBUTIONS", distributionID),
		Observe:       r.oneOf("CF503_MODE", "observe", "ask"),
		Stop:          r.oneOf("CF503_STOP", "yes", "no"),
		Quorum:        r.number("CF503_QUORUM", 1, mostApprovers),
		GateByRole:    r.oneOf("CF503_GATE", "role", "sessions"),
		OptIn:         strings.TrimSpace(getenv("CF503_OPT_IN")),
		EdgeRoles:     list(getenv("CF503_EDGE_ROLES")),
		MayDetach:     getenv("CF503_DETACH") == "yes",
		Calendar:      strings.TrimSpace(getenv("CF503_CALENDAR")),
		AskWhenClosed: getenv("CF503_CLOSED") == "ask",
		ProbePaths:    list(getenv("CF503_PROBE_PATHS")),
		EdgeRegions:   list(r.required("CF503_EDGE_REGIONS")),
		Reserved:      r.number("CF503_RESERVED", 0, 1000),
		WatchHours:    r.number("CF503_WATCH_HOURS", 24, 48),
		TakenBack:     r.takenBack("CF503_TAKE_BACK"),
		Stack:         r.required("CF503_STACK"),
		Account:       r.match("CF503_ACCOUNT", accountID),
		MACKey:        r.required("CF503_MAC_KEY"),
		ChatRole:      strings.TrimSpace(getenv("CF503_CHAT")),
		SMSNumber:     r.optional("CF503_SMS", ownNumber),
		Region:        r.required("AWS_REGION"),
	}
	if len(s.ProbePaths) > mostProbePaths {
		r.problem("CF503_PROBE_PATHS", "has more than %d paths", mostProbePaths)
	}
	s.Approvers = s.expandApprovers(getenv("CF503_APPROVERS"), strings.Split(getenv("CF503_PHONES"), ","))
	s.QuotaTopics = r.topics("CF503_QUOTA_TOPICS", s.Region)
	s.Wiki = r.wiki()
	return s, errors.Join(r.problems...)
}

// expandApprovers turns the template's name|principal|number|circle, short because Lambda's environment holds 4 KB, into
// lines with the ARNs of the person's topics, and with the phone of that number where texts are taken. A line of another form stays as it is: whoever parses the approvers says so.
func (s Settings) expandApprovers(text string, phones []string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		rest, circle, found := cutLast(line, "|")
		head, number, complete := cutLast(rest, "|")
		if found && complete {
			line = head + "|" + s.topic("reply-"+number) + "|" + s.topic("channel-"+number) + "|" + circle
			if n, err := strconv.Atoi(number); err == nil && s.SMSNumber != "" && n >= 1 && n <= len(phones) && phones[n-1] != "" {
				line += "|" + phones[n-1]
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// OnCallTopic is the ARN of the topic for everything that is nobody else's.
func (s Settings) OnCallTopic() string { return s.topic("on-call") }

// ChatTopic is the ARN of the topic through which a chat may reject; empty where none may.
func (s Settings) ChatTopic() string {
	if s.ChatRole == "" {
		return ""
	}
	return s.topic("chat")
}

// TextTopic is the ARN of the topic through which text messages come in; empty where none are taken.
func (s Settings) TextTopic() string {
	if s.SMSNumber == "" {
		return ""
	}
	return s.topic("texts")
}

// AutomationRole is the ARN of the runbooks' own role.
func (s Settings) AutomationRole() string { return s.role("automation") }

// ApproverRole is the ARN of the role in which a person signs oneself, in a session of the own name. Each has one: a role's
// trust holds 2,048 characters, which is enough for two people. It bears the number of the person's topics.
func (s Settings) ApproverRole(a incident.Approver) string {
	return s.role("approver-" + a.Topic[strings.LastIndex(a.Topic, "-")+1:])
}

// SignerRole is the ARN of the role in which approve signs for a reply, in a session of the approver's name. It is another
// one than people's own, so that a decision at a gate tells who made it.
func (s Settings) SignerRole() string { return s.role("signer") }

// Function is the ARN of one of the stack's functions, as respond.
func (s Settings) Function(name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s-%s", s.Region, s.Account, s.Stack, name)
}

// Document is the name of one of the stack's runbooks, as RestoreDistribution.
func (s Settings) Document(runbook string) string { return s.Stack + "-" + runbook }

// Watches reports whether the distribution is one of the stack's.
func (s Settings) Watches(distribution string) bool {
	return slices.Contains(s.Distributions, distribution)
}

func (s Settings) topic(name string) string {
	return fmt.Sprintf("arn:aws:sns:%s:%s:%s-%s", s.Region, s.Account, s.Stack, name)
}

func (s Settings) role(name string) string {
	return fmt.Sprintf("arn:aws:iam::%s:role/%s-%s", s.Account, s.Stack, name)
}

// reader collects problems while settings are read.
type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) problem(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
}

func (r *reader) required(name string) string {
	value := strings.TrimSpace(r.getenv(name))
	if value == "" {
		r.problem(name, "is not set")
	}
	return value
}

func (r *reader) match(name string, pattern *regexp.Regexp) string {
	value := r.required(name)
	if value != "" && !pattern.MatchString(value) {
		r.problem(name, "does not match %s", pattern)
	}
	return value
}

// optional is match for what may be missing.
func (r *reader) optional(name string, pattern *regexp.Regexp) string {
	if strings.TrimSpace(r.getenv(name)) == "" {
		return ""
	}
	return r.match(name, pattern)
}

// topics reads the ARNs of topics in Regions other than home, at most one a Region: a second one would never be told.
func (r *reader) topics(name, home string) []string {
	values := list(r.getenv(name))
	seen := map[string]bool{home: true}
	for _, value := range values {
		found := topicARN.FindStringSubmatch(value)
		switch {
		case found == nil:
			r.problem(name, "has %q, which is no ARN of an SNS topic", value)
		case found[1] == home:
			r.problem(name, "has %q, but in %s alarms tell the on-call topic", value, home)
		case seen[found[1]]:
			r.problem(name, "has more than one topic in %s", found[1])
		default:
			seen[found[1]] = true
		}
	}
	return values
}

// wiki reads where pages go. Half of it is a mistake, and would be found out only when an incident ends.
func (r *reader) wiki() Wiki {
	w := Wiki{
		URL: r.optional("CF503_WIKI_URL", site), Space: r.optional("CF503_WIKI_SPACE", pageID),
		Parent: r.optional("CF503_WIKI_PARENT", pageID), Token: r.optional("CF503_WIKI_TOKEN", parameterName),
	}
	if w != (Wiki{}) && (w.URL == "" || w.Space == "" || w.Token == "") {
		r.problem("CF503_WIKI_URL", "needs CF503_WIKI_SPACE and CF503_WIKI_TOKEN, and these need it")
	}
	return w
}

func (r *reader) each(name string, pattern *regexp.Regexp) []string {
	values := list(r.required(name))
	for _, value := range values {
		if !pattern.MatchString(value) {
			r.problem(name, "has %q, which does not match %s", value, pattern)
		}
	}
	return values
}

// oneOf reports whether the variable is yes; it must be yes or no.
func (r *reader) oneOf(name, yes, no string) bool {
	value := r.required(name)
	if value != "" && value != yes && value != no {
		r.problem(name, "is %q, neither %s nor %s", value, yes, no)
	}
	return value == yes
}

// takenBack is when a change is taken back without asking again.
func (r *reader) takenBack(name string) incident.TakenBack {
	value := r.required(name)
	switch said := incident.TakenBack(value); {
	case value == "" || value == "never":
	case said == incident.TakenBackWorse || said == incident.TakenBackNotRecovered:
		return said
	default:
		r.problem(name, "is %q, neither never nor %s nor %s", value, incident.TakenBackWorse, incident.TakenBackNotRecovered)
	}
	return incident.TakenBackNever
}

func (r *reader) number(name string, least, most int) int {
	value := r.required(name)
	if value == "" {
		return least
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		r.problem(name, "is %q, no number from %d to %d", value, least, most)
	}
	return n
}

// list splits at commas and drops what is empty.
func list(text string) []string {
	var values []string
	for value := range strings.SplitSeq(text, ",") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}
