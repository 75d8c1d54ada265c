// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command cf503 is cloudfront503 for a person at a terminal: it rehearses an incident in an emulated account, diagnoses a
// recorded one, opens an incident, shows what a stack keeps of a distribution and asks to have it back, and answers what was
// asked.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"

	"github.com/spf13/cobra"

	"cloudfront503/pkg/incident"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "cf503:", err)
	os.Exit(exitCode(err))
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "cf503",
		Short:         "When CloudFront answers 503: why, and what may be done about it",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(rehearseCommand(), diagnoseCommand(), openCommand(), snapshotCommand())
	for _, verb := range []incident.Verb{incident.Approve, incident.Reject, incident.Undo} {
		root.AddCommand(answerCommand(verb))
	}
	return root
}

// coded is an error with an exit status of its own.
type coded interface{ Code() int }

// exitCode is 1, unless the error says otherwise.
func exitCode(err error) int {
	var c coded
	if errors.As(err, &c) {
		return c.Code()
	}
	return 1
}

// version is what the Go build recorded: the module's version, else the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "commit " + setting.Value
		}
	}
	return "development"
}
