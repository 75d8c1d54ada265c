// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/denied"
)

// freshSession is a configuration that shares nothing with an earlier one but its settings: new connections, and
// credentials that are asked for again. In a Lambda the latter are the environment's, which Lambda sets once when it starts
// the environment: a fresh session there means that another host of the service decides anew, by signatures made anew.
func freshSession(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = client.WithTransportOptions() // a copy with a pool of its own
	}
	if cache, ok := cfg.Credentials.(*aws.CredentialsCache); ok {
		cache.Invalidate()
	}
	return cfg
}

// patience is how long a denial right after the role was assumed is not believed.
func (g *Gatherer) patience() denied.Patience {
	p := denied.Patience{Now: g.Now, Sleep: g.Sleep}
	if g.Assumed != nil {
		p.Assumed = g.Assumed()
	}
	if p.Sleep == nil {
		p.Sleep = denied.Sleep
	}
	return p
}

// read reads a source. A denial is tried once more from a fresh session; if that session is answered, the difference is a
// finding: something about the caller, the host that decides or the moment is not as it should be.
func (g *Gatherer) read(ctx context.Context, s source, q Question) (Record, error) {
	var content Record
	err := g.patience().Do(ctx, func(ctx context.Context) (err error) {
		content, err = s.read(ctx, g, q)
		return err
	})
	if !denied.Of(err).Denied || g.Fresh == nil {
		return content, err
	}
	fresh := *g
	fresh.Clients = g.Fresh()
	again, second := s.read(ctx, &fresh, q)
	if denied.Of(second).Denied {
		return content, err
	}
	meterOf(ctx).note(s.name, "a call of ours was denied (%s) and answered at once from a fresh session", g.why(ctx, err))
	return again, second
}

// why says in one line why a source could not be read. A deadline is said as such; a denial is explained, after its
// message was decoded where AWS encodes it.
func (g *Gatherer) why(ctx context.Context, err error) string {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var each []string
		for _, one := range joined.Unwrap() {
			each = append(each, g.why(ctx, one))
		}
		return strings.Join(each, "; ")
	}
	if why := denied.Of(err); why.Denied {
		return errorCode(err) + ": " + g.explain(ctx, err, why).String()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	var cut overspent
	if errors.As(err, &cut) {
		return cut.Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// explain completes an explanation: by the decoded message, and by the operation's name where the text has no action.
func (g *Gatherer) explain(ctx context.Context, err error, why denied.Explanation) denied.Explanation {
	if why.Encoded != "" && g.Messages != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		why, _ = why.Decode(ctx, decoder{g.Messages}) // what cannot be decoded stays as it was told
	}
	var operation *smithy.OperationError
	if why.Action == "" && errors.As(err, &operation) {
		why.Action = action(operation.ServiceID, operation.OperationName)
	}
	return why
}

// Messages decodes authorisation messages.
type Messages interface {
	DecodeAuthorizationMessage(context.Context, *sts.DecodeAuthorizationMessageInput, ...func(*sts.Options)) (*sts.DecodeAuthorizationMessageOutput, error)
}

type decoder struct{ sts Messages }

// DecodeAuthorizationMessage is what pkg/denied needs of STS.
func (d decoder) DecodeAuthorizationMessage(ctx context.Context, encoded string) (string, error) {
	answer, err := d.sts.DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
	if err != nil {
		return "", fmt.Errorf("decode authorization message: %w", err)
	}
	return aws.ToString(answer.DecodedMessage), nil
}
