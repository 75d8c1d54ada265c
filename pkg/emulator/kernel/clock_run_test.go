// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestClockRunFiresAsTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		ctx, cancel := context.WithCancel(t.Context())
		go clock.Run(ctx)
		begun := time.Now()
		fired := make(chan struct{})
		clock.After(time.Hour, "later", func() { close(fired) })
		<-fired
		if took := time.Since(begun); took < time.Hour || took > time.Hour+beat {
			t.Errorf("fired after %v", took)
		}
		cancel()
		synctest.Wait()
	})
}
