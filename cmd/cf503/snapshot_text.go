// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/snapshot"
)

// clock is a time as people compare it.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// table lists snapshots, one a line, with two spaces or more between columns.
func table(out io.Writer, listed []snapshot.Listed) error {
	var text bytes.Buffer
	columns := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	fmt.Fprintln(columns, "SNAPSHOT\tTIME\tETAG\tHASH\tKNOWN GOOD\tMADE BY")
	for _, l := range listed {
		if l.Problem != "" {
			fmt.Fprintf(columns, "%s\t-\t-\t-\t-\tcannot be read: %s\n", l.Name, incident.Line(l.Problem, 160))
			continue
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, clock(l.When()), l.Snapshot.ETag, front(l.Snapshot.SHA256, 12), word(l.KnownGood), maker(l))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	head, rest, _ := strings.Cut(text.String(), "\n")
	if isTerminal(out) {
		head = "\x1b[1m" + head + "\x1b[0m"
	}
	_, err := io.WriteString(out, head+"\n"+rest)
	return err
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return "-"
}

func front(text string, n int) string { return text[:min(n, len(text))] }

// maker says which change made a configuration, and before which incident it was taken.
func maker(l snapshot.Listed) string {
	said := "-"
	if change := l.Snapshot.After; change != nil {
		said = madeBy(*change)
	}
	if l.Incident != "" {
		said = strings.TrimPrefix(said+"; taken before incident "+l.Incident, "-; ")
	}
	if !l.Snapshot.Restorable {
		said += "; cannot be put back whole"
	}
	return strings.TrimPrefix(said, "-; ")
}

func madeBy(change incident.Change) string {
	who := change.By[strings.LastIndex(change.By, ":")+1:]
	return incident.Line(fmt.Sprintf("%s by %s (event %s)", change.Name, orDash(who), change.EventID), 160)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// summary is what a person wants to know of a configuration.
func summary(out io.Writer, s incident.Snapshot, bucket string, reveal bool) error {
	config, err := distribution.Parse(s.Config)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", s.Key, err)
	}
	var text bytes.Buffer
	lines := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	say := func(label, format string, args ...any) {
		fmt.Fprintf(lines, "%s\t%s\n", label, incident.Line(fmt.Sprintf(format, args...), 400))
	}
	origin(s, bucket, say)
	serves(s, config, say)
	if err := routes(s, config, reveal, say); err != nil {
		return err
	}
	kept(s, say)
	if err := lines.Flush(); err != nil {
		return err
	}
	_, err = out.Write(text.Bytes())
	return err
}

// saying adds a line to a summary.
type saying func(label, format string, args ...any)

// origin says where a snapshot comes from.
func origin(s incident.Snapshot, bucket string, say saying) {
	say("Distribution", "%s %s", s.Distribution, s.DomainName)
	say("Configuration", "ETag %s, SHA-256 %s", s.ETag, s.SHA256)
	say("Made", "%s", clock(s.ModifiedAt))
	if s.After != nil {
		say("By", "%s", madeBy(*s.After))
	}
	say("Taken", "%s", clock(s.TakenAt))
	say("Kept in", "s3://%s/%s, version %s", bucket, s.ConfigKey, s.VersionID)
	if !s.Restorable {
		say("Mind", "it has elements that this software does not know, and cannot be put back whole: %s", strings.Join(s.Unknown, ", "))
	}
}

// serves says what a distribution is for, and what protects it.
func serves(s incident.Snapshot, config distribution.Config, say saying) {
	say("Serves", "%s", orDash(strings.Join(config.Aliases(), ", ")))
	say("Root object", "%s", orDash(config.DefaultRootObject()))
	say("Web ACL", "%s", orDash(config.WebACL()))
	for _, field := range []struct{ label, path string }{
		{"Enabled", "Enabled"}, {"TLS", "ViewerCertificate/MinimumProtocolVersion"}, {"Geo limits", "Restrictions/GeoRestriction/RestrictionType"},
	} {
		say(field.label, "%s", orDash(strings.Trim(string(config.Value(field.path)), `"`)))
	}
}

// routes says where requests go, and what is made of errors.
func routes(s incident.Snapshot, config distribution.Config, reveal bool, say saying) error {
	headers, err := headersOf(s.Config, reveal)
	if err != nil {
		return err
	}
	for _, o := range config.Origins() {
		say("Origin", "%s: %s%s (%s)%s", o.ID, o.DomainName, o.Path, o.Kind, headers[o.ID])
	}
	for _, group := range config.OriginGroups() {
		say("Origin group", "%s: %s on %v", group.ID, strings.Join(group.Members, ", then "), group.StatusCodes)
	}
	for _, b := range config.Behaviors() {
		code := ""
		for _, association := range append(b.Lambda, b.Functions...) {
			code += fmt.Sprintf(", %s %s", association.EventType, association.ARN)
		}
		say("Behaviour", "%s -> %s%s", b.PathPattern, b.TargetOriginID, code)
	}
	for _, e := range config.CustomErrorResponses() {
		to := ""
		if e.ResponseCode != 0 {
			to = fmt.Sprintf(" -> %d %s", e.ResponseCode, e.PagePath)
		}
		say("Error response", "%d%s, kept for %d s", e.ErrorCode, to, e.MinTTL)
	}
	return nil
}

// kept says what a snapshot holds of what its configuration points to, and what it lacks.
func kept(s incident.Snapshot, say saying) {
	for _, p := range s.Pointed {
		say("Kept with it", "%s %s %s", p.Kind, p.ID, p.Stage)
	}
	for _, gap := range s.Gaps {
		say("Not kept", "%s: %s", gap.Source, gap.Why)
	}
}

// headersOf are the custom headers of each origin, in words.
func headersOf(config json.RawMessage, reveal bool) (map[string]string, error) {
	var read struct {
		Origins struct {
			Items []struct {
				ID            string `json:"Id"`
				CustomHeaders struct {
					Items []struct{ HeaderName, HeaderValue string }
				}
			}
		}
	}
	if err := json.Unmarshal(config, &read); err != nil {
		return nil, err
	}
	said := map[string]string{}
	for _, o := range read.Origins.Items {
		for _, header := range o.CustomHeaders.Items {
			value := "(masked)"
			if reveal {
				value = header.HeaderValue
			}
			said[o.ID] += fmt.Sprintf(", sends %s: %s", header.HeaderName, value)
		}
	}
	return said, nil
}

// masked stands in JSON for a secret. It is no text, so that no tool that writes configurations takes it for one.
var masked = map[string]any{"Masked": "cf503 snapshot show --reveal shows it"}

// hide masks the values of custom headers, and counts them.
func hide(config json.RawMessage) (json.RawMessage, int, error) {
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, 0, err
	}
	hidden := hideIn(tree)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(tree)
	return bytes.TrimSpace(out.Bytes()), hidden, err
}

func hideIn(value any) int {
	hidden := 0
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if _, isText := member.(string); isText && name == "HeaderValue" {
				value[name] = masked
				hidden++
				continue
			}
			hidden += hideIn(member)
		}
	case []any:
		for _, element := range value {
			hidden += hideIn(element)
		}
	}
	return hidden
}

// printDiff prints what differs.
func printDiff(out io.Writer, changes []incident.FieldChange, output string) error {
	shown := incident.Show(changes)
	if output == "json" {
		return printJSON(out, shown)
	}
	if len(shown) == 0 {
		_, err := fmt.Fprintln(out, "Nothing differs.")
		return err
	}
	return printShown(out, shown)
}

// printShown prints changes, three lines each: the path, what it holds and what it would.
func printShown(out io.Writer, changes []incident.Shown) error {
	less, more, end := "- ", "+ ", ""
	if isTerminal(out) {
		less, more, end = "\x1b[31m- ", "\x1b[32m+ ", "\x1b[0m"
	}
	for _, change := range changes {
		if _, err := fmt.Fprintf(out, "%s\n  %s%s%s\n  %s%s%s\n", change.Path, less, change.From, end, more, change.To, end); err != nil {
			return err
		}
	}
	return nil
}
