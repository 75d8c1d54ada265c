// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
// i1: the index in the synthesised template of the element of DistributionConfig.Origins with Id "web"
const i1 = ;
// i2: the index in the synthesised template of the element of DistributionConfig.Origins.${i1}.OriginCustomHeaders with HeaderName "X-Verify"
const i2 = ;
// i3: the index in the synthesised template of the element of DistributionConfig.Origins.${i1}.OriginCustomHeaders with HeaderName "X-New"
const i3 = ;
// i4: how many elements DistributionConfig.Origins has in the synthesised template; where it has none, override it with a list of this one
const i4 = ;
// DistributionConfig.Origins.${i1}.OriginCustomHeaders.${i2}: HeaderValue is not shown: it may be a secret
// DistributionConfig.Origins.${i1}.OriginCustomHeaders.${i3}: the rest of it is not shown: it may be a secret
distribution.addPropertyOverride(`DistributionConfig.Origins.${i1}.CustomOriginConfig.OriginReadTimeout`, 30);
// DistributionConfig.Origins.${i1}.CustomOriginConfig.OriginSSLProtocols: add "TLSv1.2"
distribution.addPropertyOverride(`DistributionConfig.Origins.${i1}.OriginShield`, {
  Enabled: true,
  OriginShieldRegion: "eu-west-1",
});
distribution.addPropertyOverride(`DistributionConfig.Origins.${i4}`, {
  Id: "spare",
  ConnectionAttempts: 3,
  DomainName: "spare.example.com",
  OriginCustomHeaders: [
    {
      HeaderName: "X-Verify",
      // HeaderValue is not shown: it may be a secret
    },
  ],
  CustomOriginConfig: {
    HTTPPort: 80,
    HTTPSPort: 443,
    OriginProtocolPolicy: "https-only",
    OriginSSLProtocols: ["TLSv1.2"],
  },
});
