// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/snapshot"
)

const snapshotHelp = `Lists, shows and compares the configurations that the stack keeps of a distribution, and asks to have one back.

It reads with your own credentials (AWS_PROFILE and the like): s3:ListBucket and s3:GetObject on the stack's bucket,
kms:Decrypt where it is encrypted with a key, cloudfront:GetDistribution and cloudfront:ListTagsForResource to compare with
what is live, and lambda:InvokeFunction on the stack's respond function to restore. The stack is in us-east-1, whatever
your own Region is.

A SNAPSHOT is named as the list shows it: 20261124T034151Z-E2ABC (a baseline), 000007 (taken before that incident),
known-good; or by the configuration's ETag, by the id of the CloudTrail event that made it, or by its key in the bucket.

Exit status: 0 done; 1 AWS did not do it; 2 no such thing, or not understood; 3 they differ (diff --exit-code);
4 the stack refuses (restore).`

func snapshotCommand() *cobra.Command {
	a := &account{getenv: os.Getenv}
	command := &cobra.Command{
		Use: "snapshot", Short: "List, show and compare what the stack keeps of a distribution, and ask to have it back", Long: snapshotHelp,
	}
	a.flags(command)
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%s", err) })
	command.AddCommand(a.listCommand(), a.showCommand(), a.diffCommand(), a.restoreCommand())
	return command
}

// arguments wants so many arguments, which Use names.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage("usage: %s; %d arguments were given", c.UseLine(), len(args))
		}
		return nil
	}
}

// distributionID is what CloudFront calls a distribution.
var distributionID = regexp.MustCompile(`^[A-Z0-9]{8,20}$`)

// begin checks what the command line says, and finds the account and the bucket.
func (a *account) begin(ctx context.Context, id, output string) error {
	switch {
	case !distributionID.MatchString(id):
		return usage("%q is no distribution's id, as E2EXAMPLE1ABCD", incident.Line(id, 40))
	case output != "text" && output != "json":
		return usage("--output is %q: text or json", incident.Line(output, 40))
	}
	if err := a.connect(ctx); err != nil {
		return a.explain(err)
	}
	return a.find(ctx)
}

// outputFlag adds the choice between people and programs.
func outputFlag(command *cobra.Command, output *string) {
	command.Flags().StringVarP(output, "output", "o", "text", "text, or json for programs")
}

func (a *account) listCommand() *cobra.Command {
	var output string
	var most int
	command := &cobra.Command{
		Use: "list DISTRIBUTION", Short: "List the kept configurations, the latest first", Args: arguments(1, 1),
		Example: "  cf503 snapshot list E2EXAMPLE1ABCD\n" +
			"  cf503 snapshot list E2EXAMPLE1ABCD -o json | jq -r '.[] | select(.knownGood) | .name'",
		RunE: func(c *cobra.Command, args []string) error {
			if most < 1 {
				return usage("--limit is %d: at least 1", most)
			}
			if err := a.begin(c.Context(), args[0], output); err != nil {
				return err
			}
			listed, err := a.store().Catalogue(c.Context(), args[0], most)
			if err != nil {
				return a.explain(err)
			}
			return list(c.OutOrStdout(), args[0], listed, output)
		},
	}
	outputFlag(command, &output)
	command.Flags().IntVar(&most, "limit", 20, "at most so many baselines, and so many of incidents")
	return command
}

func list(out io.Writer, id string, listed []snapshot.Listed, output string) error {
	if output == "json" {
		if listed == nil {
			listed = []snapshot.Listed{}
		}
		return printJSON(out, listed)
	}
	if len(listed) == 0 {
		_, err := fmt.Fprintf(out, "No configuration of %s is kept. Is the distribution one that the stack watches?\n", id)
		return err
	}
	return table(out, listed)
}

func (a *account) showCommand() *cobra.Command {
	var output string
	var reveal bool
	command := &cobra.Command{
		Use: "show DISTRIBUTION SNAPSHOT", Short: "Show one configuration", Args: arguments(2, 2),
		Long: "Shows one configuration: a summary, or with --output json all of it, as\n" +
			"aws cloudfront update-distribution --distribution-config file://… takes it.\n\n" +
			"The values of origins' custom headers are often secrets, and are masked unless --reveal asks for them. What is masked in\n" +
			"JSON is no text any more, so that the AWS CLI refuses the file and no origin ever gets \"(masked)\" for its secret.",
		Example: "  cf503 snapshot show E2EXAMPLE1ABCD known-good\n" +
			"  cf503 snapshot show E2EXAMPLE1ABCD 000007 -o json --reveal > config.json",
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.begin(c.Context(), args[0], output); err != nil {
				return err
			}
			found, err := a.store().Find(c.Context(), args[0], args[1])
			if err != nil {
				return a.explain(err)
			}
			return present(c, found, a.bucket, output, reveal)
		},
	}
	outputFlag(command, &output)
	command.Flags().BoolVar(&reveal, "reveal", false, "show the values of origins' custom headers")
	return command
}

// present prints one snapshot.
func present(c *cobra.Command, found incident.Snapshot, bucket, output string, reveal bool) error {
	config, hidden := found.Config, 0
	if !reveal {
		var err error
		if config, hidden, err = hide(found.Config); err != nil {
			return fmt.Errorf("snapshot %s: %w", found.Key, err)
		}
	}
	if hidden > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "Values of custom headers are masked (%d); --reveal shows them.\n", hidden)
	}
	if !found.Restorable {
		fmt.Fprintln(c.ErrOrStderr(), "It has elements that this software does not know: do not write it back as JSON. CloudFront's own bytes are kept beside it.")
	}
	if output == "json" {
		return printJSON(c.OutOrStdout(), config)
	}
	return summary(c.OutOrStdout(), found, bucket, reveal)
}

func (a *account) diffCommand() *cobra.Command {
	var output string
	var exitCode bool
	command := &cobra.Command{
		Use: "diff DISTRIBUTION A [B|live]", Short: "Compare two configurations field by field", Args: arguments(2, 3),
		Long: "Compares two kept configurations, or a kept one with what is live, which is the default: what A holds, and what B does.\n" +
			"Secrets are masked. The paths are those that restore --only takes.",
		Example: "  cf503 snapshot diff E2EXAMPLE1ABCD known-good\n" +
			"  cf503 snapshot diff E2EXAMPLE1ABCD 000007 20261124T034151Z-E2ABC --exit-code",
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.begin(c.Context(), args[0], output); err != nil {
				return err
			}
			changes, err := a.compare(c.Context(), args[0], append(args[1:], "live")[:2])
			if err != nil {
				return err
			}
			if err := printDiff(c.OutOrStdout(), changes, output); err != nil || !exitCode || len(changes) == 0 {
				return err
			}
			return failure{statusDiffers, fmt.Sprintf("%d fields differ", len(changes))}
		},
	}
	outputFlag(command, &output)
	command.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 3 where they differ")
	return command
}

// compare is what has to be done to the first configuration to make it the second.
func (a *account) compare(ctx context.Context, id string, names []string) ([]incident.FieldChange, error) {
	var configs []distribution.Config
	for _, name := range names {
		found, err := a.named(ctx, id, name)
		if err != nil {
			return nil, a.explain(err)
		}
		config, err := distribution.Parse(found.Config)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", name, err)
		}
		configs = append(configs, config)
	}
	return distribution.Diff(configs[0], configs[1]), nil
}

func (a *account) named(ctx context.Context, id, name string) (incident.Snapshot, error) {
	if name == "live" {
		return a.store().Live(ctx, id)
	}
	return a.store().Find(ctx, id, name)
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
