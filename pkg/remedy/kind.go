// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"

	"cloudfront503/pkg/incident"
)

// kind is a kind of write. Its functions find what an earlier call of the same execution wrote, read what is live, compute
// the planned change again, and write through guarded.
type kind struct {
	// apply makes the approved change. Its errors are those of Writer.Apply.
	apply func(Writer, context.Context, Order, Record) (incident.Written, error)
	// settle ends what a failed runbook has left half-way, nil where that would be a new request. It is called without a
	// new approval: it undoes what is ours, or records what has arrived, which done reports.
	settle func(Writer, context.Context, Order, Record) (written incident.Written, done bool, err error)
	// back takes the change back, in the same manner; nil where there is no way back. Its errors are those of Writer.Undo.
	back func(Writer, context.Context, Order, Record) (incident.Written, error)
	// final says why there is none, where there is none.
	final string
}

// kinds says by which kind of write each remedy is done. A further remedy is a row; a further kind is a file of its own,
// with four parts:
//
//   - an unexported interface of one to three methods, held by a new field of Writer, whose writing operations Observed
//     refuses;
//   - apply: begun says whether an earlier call was about to write, and when what is live is what it was about to write,
//     confirm ends it; otherwise the change is computed again from the record and from what is live, and its hash goes
//     to guarded, which judges, announces and writes. The answer of the write is read as in update: no error is confirmed,
//     a precondition that failed or a lost answer is looked for in what is live (a *Void where it is not there), and
//     anything else is settled. What is written, replaced or brought back must be in the incident's snapshot;
//   - back, which computes the inverse of what was written, from the record, on what is live: only what still holds our
//     values gets back what it held before; where others have changed it since, that is a *Conflict. It is written through
//     guarded as well, whose hash stays that of the planned change. A kind without a way back says why in final;
//   - its row here.
var kinds = map[string]kind{
	incident.RemedyRestore:  configuration,
	incident.RemedyEdge:     configuration,
	incident.RemedyFailover: configuration,
	incident.RemedyProtect:  configuration,
	incident.RemedyQuota:    quotaRequest,
	incident.RemedyCode:     functionCode,
	incident.RemedyAccess:   roleTrust,
	incident.RemedyEvidence: evidence,
}

// configuration writes the distribution's configuration, as Compute computes it.
var configuration = kind{apply: Writer.configure, settle: Writer.configured, back: Writer.putBack}

// quotaRequest asks for more of a quota.
var quotaRequest = kind{
	apply: Writer.request, final: "AWS takes no request for less of a quota through its API; a higher one costs nothing by itself",
}
