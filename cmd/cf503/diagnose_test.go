// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloudfront503/pkg/diagnosis/corpus"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// recorded writes a recorded incident into a folder.
func recorded(t *testing.T, cause incident.Cause) string {
	t.Helper()
	folder := t.TempDir()
	err := record.Write(corpus.Make(cause, "rich", 3).Files, func(name string, content []byte) error {
		full := filepath.Join(folder, filepath.FromSlash(name))
		return errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, content, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestDiagnosePrintsWhatWasAskedFor(t *testing.T) {
	folder := recorded(t, incident.ALBNoTargets)
	for name, c := range map[string]struct {
		arguments []string
		want      string
	}{
		"text":         {nil, "ALB-NO-TARGETS"},
		"json":         {[]string{"--output", "json"}, `"cause": "alb-no-targets"`},
		"support case": {[]string{"--support"}, "Request ids of failing answers"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			command := diagnoseCommand()
			command.SetOut(&out)
			command.SetArgs(append([]string{"--recorded", folder}, c.arguments...))
			if err := command.Execute(); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("error %v, output:\n%s", err, out.String())
			}
			if name == "json" && !json.Valid(out.Bytes()) {
				t.Error("not one JSON object")
			}
		})
	}
}

func TestDiagnoseRefusesWhatIsNoRecordWithOneLine(t *testing.T) {
	empty, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, arguments := range map[string][]string{
		"an empty folder":   {"--recorded", empty},
		"no folder":         {"--recorded", empty + "/absent"},
		"a file":            {"--recorded", file},
		"an unknown output": {"--recorded", recorded(t, incident.Origin503), "--output", "xml"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			command := diagnoseCommand()
			command.SetOut(&out)
			command.SilenceUsage, command.SilenceErrors = true, true
			command.SetArgs(arguments)
			err := command.Execute()
			if err == nil || exitCode(err) != 2 || strings.Contains(err.Error(), "\n") || out.Len() > 0 {
				t.Errorf("error %v, status %d, output %q", err, exitCode(err), out.String())
			}
		})
	}
}
