// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// unreadable is a folder that is no recorded incident: exit status 2.
type unreadable struct{ err error }

func (u unreadable) Error() string { return u.err.Error() }

// Code is the exit status.
func (u unreadable) Code() int { return 2 }

func diagnoseCommand() *cobra.Command {
	var folder, output string
	var support bool
	command := &cobra.Command{
		Use:   "diagnose --recorded DIR",
		Short: "Say why a distribution answered 503, from a recorded incident; calls nothing",
		Long: "diagnose reads a recorded incident, the folder that docs/recorded-incident.md describes and that the responder\n" +
			"writes for every incident, and says which cause it was, how sure that is, and why. It calls nothing.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return diagnose(command.OutOrStdout(), folder, output, support)
		},
	}
	command.Flags().StringVar(&folder, "recorded", "", "the folder of the recorded incident")
	command.Flags().StringVar(&output, "output", "text", "text, or json for programs")
	command.Flags().BoolVar(&support, "support", false, "print the text of an AWS Support case instead")
	_ = command.MarkFlagRequired("recorded") // fails only for a flag that does not exist
	return command
}

// diagnose reads, weighs and prints.
func diagnose(out io.Writer, folder, output string, support bool) error {
	if output != "text" && output != "json" {
		return unreadable{fmt.Errorf("--output is %q: text or json", output)}
	}
	if info, err := os.Stat(folder); err != nil {
		return unreadable{fmt.Errorf("recorded incident: %w", err)}
	} else if !info.IsDir() {
		return unreadable{fmt.Errorf("recorded incident: %s is no folder", folder)}
	}
	evidence, err := record.Read(os.DirFS(folder))
	if err != nil {
		return unreadable{fmt.Errorf("%s: %w", folder, err)}
	}
	return show(out, evidence, diagnosis.Diagnose(evidence), output, support)
}

func show(out io.Writer, evidence incident.Evidence, found incident.Diagnosis, output string, support bool) error {
	switch {
	case support:
		_, err := io.WriteString(out, diagnosis.SupportCase(evidence, found))
		return err
	case output == "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(found)
	}
	_, err := io.WriteString(out, diagnosis.Text(evidence, found))
	return err
}
