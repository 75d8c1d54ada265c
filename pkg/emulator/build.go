// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package emulator

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildFunctions builds every function of the module's folder functions for this machine, with the flags that they are
// shipped with, and with the race detector where race is true. Each is put into a folder of its own under outDir, as
// FindFunctions finds them. flags are further ones of go build, as -cover. It needs the Go toolchain.
func BuildFunctions(ctx context.Context, moduleDir, outDir string, race bool, flags ...string) (map[string]string, error) {
	mains, err := filepath.Glob(filepath.Join(moduleDir, "functions", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	if outDir, err = filepath.Abs(outDir); err != nil {
		return nil, err
	}
	functions := map[string]string{}
	for _, file := range mains {
		name := filepath.Base(filepath.Dir(file))
		functions[name] = filepath.Join(outDir, name, "bootstrap")
		if err := build(ctx, moduleDir, name, functions[name], race, flags); err != nil {
			return nil, err
		}
	}
	if len(functions) == 0 {
		return nil, fmt.Errorf("build functions: none in %s", moduleDir)
	}
	return functions, nil
}

func build(ctx context.Context, moduleDir, name, file string, race bool, flags []string) error {
	arguments := []string{"build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", file}
	cgo := "CGO_ENABLED=0"
	if race {
		arguments, cgo = append(arguments, "-race"), "CGO_ENABLED=1"
	}
	arguments = append(append(arguments, flags...), "./functions/"+name)
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir, command.Env = moduleDir, append(os.Environ(), cgo, "GOFLAGS=")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build function %s: %w\n%s", name, err, output)
	}
	return nil
}

// FindFunctions finds functions that were built for this machine: NAME/bootstrap in a folder, for each NAME.
func FindFunctions(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "bootstrap"))
	if err != nil {
		return nil, err
	}
	functions := map[string]string{}
	for _, file := range files {
		if functions[filepath.Base(filepath.Dir(file))], err = filepath.Abs(file); err != nil {
			return nil, err
		}
	}
	if len(functions) == 0 {
		return nil, fmt.Errorf("find functions: no NAME/bootstrap in %s", dir)
	}
	return functions, nil
}
