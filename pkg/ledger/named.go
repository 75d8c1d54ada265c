// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
)

// Put writes an incident's object, over what was there, and gives its version id. name is as "evidence/probe.http".
func (l *Ledger) Put(ctx context.Context, ref incident.Reference, name string, data []byte) (version string, err error) {
	key, err := named(ref, name)
	if err != nil {
		return "", err
	}
	version, _, err = l.put(ctx, key, data, condition{}, l.nonce())
	if err != nil {
		return "", fmt.Errorf("ledger %s: put %s: %w", ref, name, err)
	}
	return version, nil
}

// PutOnce writes an incident's object unless there is one. kept is what lies there afterwards, created whether this call
// wrote it. Equal bytes that were there before are kept, and not created: a claim that is repeated can be told from one
// that is lost by comparing kept with data.
func (l *Ledger) PutOnce(ctx context.Context, ref incident.Reference, name string, data []byte) (kept []byte, created bool, err error) {
	key, err := named(ref, name)
	if err != nil {
		return nil, false, err
	}
	for range attempts {
		_, created, err = l.swap(ctx, key, data, condition{absent: true}, l.nonce())
		if err != nil {
			return nil, false, fmt.Errorf("ledger %s: put once: %w", ref, err)
		}
		if created {
			return data, true, nil
		}
		there, err := l.read(ctx, key)
		if err == nil {
			return there.body, false, nil
		}
		// A 409 without an object: the other write failed, so ours is tried again.
		if !errors.Is(err, ErrMissing) {
			return nil, false, fmt.Errorf("ledger %s: put once: %w", ref, err)
		}
	}
	return nil, false, fmt.Errorf("ledger %s: put %s once: lost to other writers %d times", ref, name, attempts)
}

// Get reads an incident's object; the error is ErrMissing where there is none.
func (l *Ledger) Get(ctx context.Context, ref incident.Reference, name string) ([]byte, error) {
	key, err := named(ref, name)
	if err != nil {
		return nil, err
	}
	o, err := l.read(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", ref, err)
	}
	return o.body, nil
}

// Names are the names of an incident's objects under a folder of it, as "approval/", in order.
func (l *Ledger) Names(ctx context.Context, ref incident.Reference, under string) ([]string, error) {
	keys, err := l.keys(ctx, folder(ref)+under)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", ref, err)
	}
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, folder(ref))
	}
	return keys, nil
}
