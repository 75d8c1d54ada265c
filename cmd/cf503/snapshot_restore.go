// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"cloudfront503/pkg/incident"
)

func (a *account) restoreCommand() *cobra.Command {
	var output string
	var only []string
	command := &cobra.Command{
		Use: "restore DISTRIBUTION SNAPSHOT", Short: "Ask to put a distribution back to a kept configuration", Args: arguments(2, 2),
		Long: "Asks the stack to put a distribution's fields back to what a snapshot holds. cf503 itself writes nothing: respond opens an\n" +
			"incident for it, with a snapshot, evidence and a plan, and asks the approvers, but never you; once they approve, the\n" +
			"runbook writes, and it is verified and can be taken back, as any other change.\n\n" +
			"Without --only, whatever differs goes back, but for what protects the distribution (web ACL, certificate, aliases and the\n" +
			"like), which goes back only where --only names it. Some fields never go back: Enabled, CallerReference, Staging. An\n" +
			"incident that is under way gives way, unless people still decide on its plan.",
		Example: "  cf503 snapshot restore E2EXAMPLE1ABCD known-good\n" +
			"  cf503 snapshot restore E2EXAMPLE1ABCD 000007 --only DefaultRootObject --only 'Origins/Items/[Id=web]/DomainName'",
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.begin(c.Context(), args[0], output); err != nil {
				return err
			}
			found, err := a.store().Find(c.Context(), args[0], args[1])
			if err != nil {
				return a.explain(err)
			}
			if isTerminal(c.ErrOrStderr()) {
				fmt.Fprintln(c.ErrOrStderr(), "The stack looks into it; that takes up to two minutes.")
			}
			answer, err := a.restore(c.Context(), found, only)
			if err != nil {
				return err
			}
			return printAnswer(c.OutOrStdout(), answer, output)
		},
	}
	outputFlag(command, &output)
	command.Flags().StringArrayVar(&only, "only", nil, "a field that goes back, with all below it, as diff prints it; may be given again")
	return command
}

// restore invokes respond with the wish, and waits for its answer.
func (a *account) restore(ctx context.Context, found incident.Snapshot, only []string) (incident.WishAnswer, error) {
	me, err := a.me(ctx)
	if err != nil {
		return incident.WishAnswer{}, err
	}
	payload, err := json.Marshal(map[string]any{
		"cloudfront503": "restore", "distribution": found.Distribution, "snapshot": found.Key, "version": found.VersionID,
		"only": only, "by": me, "at": a.clock.Now().Format(time.RFC3339Nano),
	})
	if err != nil {
		return incident.WishAnswer{}, err
	}
	name := a.respond()
	out, err := lambda.NewFromConfig(a.config).Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: payload})
	if err != nil {
		return incident.WishAnswer{}, a.explain(err)
	}
	return readAnswer(name, out)
}

// readAnswer reads what respond says. One without an answer is older than this command.
func readAnswer(name string, out *lambda.InvokeOutput) (incident.WishAnswer, error) {
	if out.FunctionError != nil {
		var problem struct{ ErrorMessage string }
		_ = json.Unmarshal(out.Payload, &problem) // Lambda's own form; an empty message says as little as another form
		return incident.WishAnswer{}, fmt.Errorf("%s failed: %s; its log says more, and on-call was told where that was possible",
			name, incident.Line(problem.ErrorMessage, 400))
	}
	var answer *incident.WishAnswer
	if err := json.Unmarshal(out.Payload, &answer); err != nil {
		return incident.WishAnswer{}, fmt.Errorf("%s answers something that is not understood: %w", name, err)
	}
	if answer == nil {
		return incident.WishAnswer{}, fmt.Errorf("%s gives no answer: is the stack as new as this command?", name)
	}
	return *answer, nil
}

// printAnswer prints what came of a wish; a refusal is an error with a status of its own.
func printAnswer(out io.Writer, answer incident.WishAnswer, output string) error {
	refused := error(nil)
	if answer.Refused != "" {
		refused = failure{statusRefused, "refused: " + incident.Line(answer.Refused, 600)}
	}
	if output == "json" {
		return errors.Join(printJSON(out, answer), refused)
	}
	if refused != nil {
		return refused
	}
	return printAsked(out, answer)
}

func printAsked(out io.Writer, answer incident.WishAnswer) error {
	if _, err := fmt.Fprintf(out, "Asked: %s.\n\n", answer.Does); err != nil {
		return err
	}
	if err := printShown(out, answer.Changes); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("\n")
	for _, sentence := range answer.Left {
		fmt.Fprintf(&text, "Mind: %s\n", sentence)
	}
	fmt.Fprintf(&text, "Incident: %s\nRunbook: %s\n", answer.Incident, answer.Runbook)
	fmt.Fprintf(&text, "Needs: %d of %s, until %s. One reject stops it; silence is a no.\nNothing is written yet.\n",
		answer.Required, strings.Join(answer.Approvers, ", "), clock(answer.Until))
	_, err := io.WriteString(out, text.String())
	return err
}
