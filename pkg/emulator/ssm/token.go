// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"strconv"
	"strings"
)

const tokenPrefix = "from-"

func formatToken(from int) string { return tokenPrefix + strconv.Itoa(from) }

func parseToken(token string) (int, bool) {
	if token == "" {
		return 0, true
	}
	digits, ok := strings.CutPrefix(token, tokenPrefix)
	from, err := strconv.Atoi(digits)
	return from, ok && err == nil && from >= 0
}
