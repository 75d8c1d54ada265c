// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package emulator

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
)

// BuildFunctions builds every function of the module's folder functions for this machine, with the flags that they are
// shipped with, and with the race detector where race is true. Each becomes outDir/NAME. flags are further ones of go
// build, as -cover. It needs the Go toolchain.
func BuildFunctions(ctx context.Context, moduleDir, outDir string, race bool, flags ...string) (map[string]string, error) {
	outDir, err := filepath.Abs(outDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return nil, err
	}
	arguments := []string{"build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", outDir + string(filepath.Separator)}
	cgo := "CGO_ENABLED=0"
	if race {
		arguments, cgo = append(arguments, "-race"), "CGO_ENABLED=1"
	}
	command := exec.CommandContext(ctx, "go", append(append(arguments, flags...), "./functions/...")...)
	command.Dir, command.Env = moduleDir, append(os.Environ(), cgo)
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build functions of %s: %w\n%s", moduleDir, err, output)
	}
	return FindFunctions(outDir)
}

// Raced tells whether this program itself was built with the race detector, so that its functions can be too.
func Raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// FindFunctions finds functions that were built for this machine: a folder's executables NAME and NAME/bootstrap.
func FindFunctions(dir string) (map[string]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("find functions: %w", err)
	}
	functions := map[string]string{}
	for _, entry := range entries {
		for _, file := range []string{filepath.Join(dir, entry.Name()), filepath.Join(dir, entry.Name(), "bootstrap")} {
			if executable(file) {
				functions[entry.Name()] = file
			}
		}
	}
	if len(functions) == 0 {
		return nil, fmt.Errorf("find functions: no executables in %s", dir)
	}
	return functions, nil
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
