// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/distribution"
)

// place is where an origin is whose domain name does not tell, as origins.json keeps it.
type place struct {
	DomainName    string
	CanonicalName string `json:",omitempty"` // what the name stands for in DNS
	ARN           string `json:",omitempty"` // what a VPC origin leads to
	Region        string `json:",omitempty"` // of a bucket
}

// unplaced are the origins about which somebody must be asked where they are: VPC origins and names of one's own, and
// buckets whose names hold no Region.
func (g *Gatherer) unplaced(origins []distribution.Origin) []distribution.Origin {
	var out []distribution.Origin
	for _, o := range origins[:min(len(origins), mostOrigins)] {
		kind := distribution.KindOf(o.DomainName)
		bucket := isBucket(kind) && distribution.RegionOf(o.DomainName) == ""
		own := kind == distribution.KindOther && (o.VPCOriginID != "" || g.Resolve != nil)
		if bucket || own {
			out = append(out, o)
		}
	}
	return out
}

func isBucket(kind distribution.Kind) bool {
	return kind == distribution.KindS3 || kind == distribution.KindS3Website
}

// readPlaces asks where the origins are, all at once: one call each.
func readPlaces(origins []distribution.Origin) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		places, problems := make([]place, len(origins)), make([]error, len(origins))
		var wait sync.WaitGroup
		for i, o := range origins {
			wait.Go(func() { places[i], problems[i] = g.locate(ctx, o) })
		}
		wait.Wait()
		return Record{"origins.json": encode(map[string]any{"Origins": places})}, errors.Join(problems...)
	}
}

// resolveWithin bounds a question to DNS: a resolver that does not answer would hold up everybody.
const resolveWithin = time.Second

func (g *Gatherer) locate(ctx context.Context, o distribution.Origin) (place, error) {
	p := place{DomainName: o.DomainName}
	switch {
	case o.VPCOriginID != "":
		answer, err := g.CloudFront.GetVpcOrigin(ctx, &cloudfront.GetVpcOriginInput{Id: &o.VPCOriginID})
		if err != nil {
			return p, fmt.Errorf("get vpc origin %s: %w", o.VPCOriginID, err)
		}
		if answer.VpcOrigin != nil && answer.VpcOrigin.VpcOriginEndpointConfig != nil {
			p.ARN = aws.ToString(answer.VpcOrigin.VpcOriginEndpointConfig.Arn)
		}
	case isBucket(distribution.KindOf(o.DomainName)):
		answer, err := g.Buckets("us-east-1").GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String(bucketOf(o.DomainName))})
		if p.Region = regionIn(err); p.Region != "" {
			return p, nil
		}
		if err != nil {
			return p, fmt.Errorf("get bucket location of %s: %w", bucketOf(o.DomainName), err)
		}
		p.Region = regionOfConstraint(string(answer.LocationConstraint))
	default:
		ctx, cancel := context.WithTimeout(ctx, resolveWithin)
		defer cancel()
		if name, err := g.Resolve(ctx, o.DomainName); err == nil { // a name that is in no DNS is nobody's
			p.CanonicalName = strings.TrimSuffix(name, ".")
		}
	}
	return p, nil
}

// regionOfConstraint reads a LocationConstraint: empty is us-east-1, EU is eu-west-1 [S3 GetBucketLocation].
func regionOfConstraint(constraint string) string {
	if constraint == "EU" {
		return "eu-west-1"
	}
	return cmp.Or(constraint, "us-east-1")
}

// resource is what stands behind an origin, as far as names that AWS gave out tell.
type resource struct {
	kind   distribution.Kind
	name   string // the domain name in lower case, without "dualstack."; empty where only the ARN is known
	arn    string // of what a VPC origin leads to
	region string
	path   string // the origin's own, before every path that is asked for
}

// behind are the resources behind the origins; what nothing tells about is left out.
func behind(origins []distribution.Origin, file []byte) []resource {
	var known struct{ Origins []place }
	_ = json.Unmarshal(file, &known) // a file of ours, or none
	var out []resource
	for _, o := range origins[:min(len(origins), mostOrigins)] {
		r := resource{kind: distribution.KindOf(o.DomainName), name: o.DomainName, region: distribution.RegionOf(o.DomainName), path: o.Path}
		i := slices.IndexFunc(known.Origins, func(p place) bool { return p.DomainName == o.DomainName })
		if i >= 0 {
			r.at(known.Origins[i])
		}
		r.name = strings.TrimPrefix(strings.ToLower(r.name), "dualstack.")
		if r.region != "" {
			out = append(out, r)
		}
	}
	return out
}

// at takes what was found out about the resource's place.
func (r *resource) at(p place) {
	if p.CanonicalName != "" {
		r.name, r.kind, r.region = p.CanonicalName, distribution.KindOf(p.CanonicalName), distribution.RegionOf(p.CanonicalName)
	}
	if p.ARN != "" {
		r.arn, r.name, r.region = p.ARN, "", part(p.ARN, ":", 3)
		if strings.Contains(p.ARN, ":loadbalancer/") {
			r.kind = distribution.KindELB
		}
	}
	r.region = cmp.Or(r.region, p.Region)
}

// regionsOf are the Regions of resources, each once, sorted.
func regionsOf(resources []resource) []string {
	var regions []string
	for _, r := range resources {
		regions = append(regions, r.region)
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}
