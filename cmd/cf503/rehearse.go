// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cloudfront503"
	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/rehearsal"
)

// wishes are what the command line asks of a rehearsal.
type wishes struct {
	scenario  string
	approver  string // auto, ask, reject, silent, undo, worse, text
	functions string // a folder with NAME/bootstrap; empty: build them
	out       string // where everything is left
	serve     string // host:port to keep serving on; empty: play and end
	list      bool   // only say what can be played
}

var approverModes = []string{"auto", "ask", "reject", "silent", "undo", "worse", "text"}

func rehearseCommand() *cobra.Command {
	var w wishes
	command := &cobra.Command{
		Use:   "rehearse",
		Short: "Play an incident, from the alarm to the end, in an AWS account emulated in this process",
		Long: "Plays an incident in an AWS account that is emulated in this process, with the compiled functions and the deployed\n" +
			"template: the alarm goes off, evidence is gathered, people are asked, the change is made and verified. No AWS account,\n" +
			"no Docker. The clock is moved, not waited for. With --serve the account is left running, to look at with\n" +
			"aws --endpoint-url.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if w.list {
				return listScenarios(c.OutOrStdout())
			}
			return w.rehearse(c.Context(), newPlay(c.OutOrStdout(), c.InOrStdin()))
		},
	}
	flags := command.Flags()
	flags.StringVar(&w.scenario, "scenario", "error-page-503", strings.Join(rehearsal.Names(), "|"))
	flags.StringVar(&w.approver, "approver", "auto", strings.Join(approverModes, "|")+": who answers for the approver")
	flags.StringVar(&w.functions, "functions", "", "folder with NAME/bootstrap of each function; empty builds them from the sources here")
	flags.StringVar(&w.out, "out", "out", "folder for the bucket, the messages, the journal and the report")
	flags.StringVar(&w.serve, "serve", "", "keep the account running at this host:port instead of playing")
	flags.BoolVar(&w.list, "list", false, "only list the scenarios")
	return command
}

// listScenarios says what can be played, a line each.
func listScenarios(out io.Writer) error {
	for _, name := range rehearsal.Names() {
		if _, err := fmt.Fprintf(out, "%-24s %s\n", name, rehearsal.Scenarios()[name].Title); err != nil {
			return err
		}
	}
	return nil
}

func (w wishes) rehearse(ctx context.Context, p *play) error {
	scenario, known := rehearsal.Scenarios()[w.scenario]
	if !known {
		return fmt.Errorf("no scenario %q: there are %s", w.scenario, strings.Join(rehearsal.Names(), ", "))
	}
	if !slices.Contains(approverModes, w.approver) {
		return fmt.Errorf("no approver %q: there are %s", w.approver, strings.Join(approverModes, ", "))
	}
	p.title(scenario)
	functions, cleanUp, err := w.build(ctx, p)
	if err != nil {
		return err
	}
	defer cleanUp()
	p.say("AWS starts in this process, from template.yaml; an hour of healthy traffic passes")
	r, err := rehearsal.New(rehearsal.Options{
		Scenario: scenario, Template: cloudfront503.Template(), Files: cloudfront503.Files(), Functions: functions, Listen: w.serve, Parameters: w.parameters(),
	})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // of a process that ends
	if w.serve != "" {
		return p.serve(ctx, r)
	}
	err = p.perform(r, w.approver)
	return p.leave(r, w.out, err)
}

// parameters are the stack's beyond those of every rehearsal.
func (w wishes) parameters() map[string]string {
	switch w.approver {
	case "text":
		return rehearsal.Texting()
	case "worse":
		return rehearsal.TakingBack()
	}
	return nil
}

// build gives the functions' executables: those that are given, else freshly built ones in a folder of the cache, so that
// a second run finds them.
func (w wishes) build(ctx context.Context, p *play) (map[string]string, func(), error) {
	if w.functions != "" {
		given, err := emulator.FindFunctions(w.functions)
		return given, func() {}, err
	}
	if _, err := os.Stat("template.yaml"); err != nil {
		return nil, nil, fmt.Errorf("no sources here: give --functions DIR with the built functions, or run this in the repository")
	}
	folder, err := os.MkdirTemp("", "cloudfront503-functions-")
	if err != nil {
		return nil, nil, err
	}
	p.say("the functions are built; the first time takes a minute or two")
	built, err := emulator.BuildFunctions(ctx, ".", folder, false)
	return built, func() { _ = os.RemoveAll(folder) }, err
}

// perform plays the incident and says whether it ended as it should.
func (p *play) perform(r *rehearsal.Rehearsal, approver string) error {
	p.watch(r)
	if err := r.Break(); err != nil {
		return err
	}
	p.say("it goes wrong: " + r.Scenario.Title)
	p.until(r, 20*time.Minute, func() bool { return r.Has("asked") || r.Has("told") })
	if r.Has("asked") {
		if err := p.answer(r, approver); err != nil {
			return err
		}
	}
	if approver == "undo" {
		p.until(r, time.Hour, func() bool { return r.Has("deployed") })
		if err := p.undo(r); err != nil {
			return err
		}
	}
	if approver == "worse" {
		p.until(r, time.Hour, func() bool { return r.Has("deployed") })
		p.say("the change is on all edges, and now every request fails")
		r.Fail(func(string) bool { return true })
	}
	p.until(r, 26*time.Hour, func() bool { return r.Incident().State == "closed" || r.Incident().State == "watching" })
	if r.Incident().State == "watching" {
		p.say("two days pass, in which it is looked at every hour")
		p.hours(r, 49, func() bool { return r.Incident().State == "closed" })
	}
	return ended(r, approver)
}

// ended compares how it ended with how it should.
func ended(r *rehearsal.Rehearsal, approver string) error {
	want := r.Scenario.Ends
	if r.Scenario.Asks && approver == "reject" {
		want = "rejected"
	}
	if r.Scenario.Asks && approver == "silent" {
		want = "silent"
	}
	if r.Scenario.Asks && (approver == "undo" || approver == "worse") {
		want = "undone"
	}
	incident := r.Incident()
	if incident.Outcome == nil {
		return fmt.Errorf("the incident is %s after a day, and should have ended as %s", or(incident.State, "not there"), want)
	}
	if approver != "ask" && incident.Outcome.Result != want {
		return fmt.Errorf("the incident ended as %s (%s), and should have ended as %s", incident.Outcome.Result, incident.Outcome.Why, want)
	}
	if violations := r.World.Violations(); len(violations) > 0 {
		return fmt.Errorf("AWS would have refused: %s", strings.Join(violations, "; "))
	}
	return nil
}

func or(value, instead string) string {
	if value == "" {
		return instead
	}
	return value
}

// leave writes everything that the rehearsal produced, whether it ended well or not.
func (p *play) leave(r *rehearsal.Rehearsal, folder string, problem error) error {
	if err := r.Leave(folder); err != nil {
		return fmt.Errorf("leave the rehearsal in %s: %w", folder, err)
	}
	if problem != nil {
		return problem
	}
	p.end(r, filepath.ToSlash(folder))
	return nil
}
