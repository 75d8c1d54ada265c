// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
// i1: the index in the synthesised template of the element of DistributionConfig.CacheBehaviors with PathPattern "/b"
const i1 = ;
// i2: how many elements DistributionConfig.CacheBehaviors has in the synthesised template; where it has none, override it with a list of this one
const i2 = ;
// DistributionConfig.CacheBehaviors.${i1}.CachedMethods: remove "OPTIONS"
distribution.addPropertyOverride(`DistributionConfig.CacheBehaviors.${i2}`, {
  PathPattern: "/new",
  CachedMethods: ["GET", "HEAD"],
  AllowedMethods: ["GET", "HEAD"],
  Compress: true,
  LambdaFunctionAssociations: [],
  TargetOriginId: "web",
  ViewerProtocolPolicy: "redirect-to-https",
});
// DistributionConfig.CacheBehaviors: their order: ["/a", "/b", "/new"]
distribution.addPropertyOverride(`DistributionConfig.DefaultCacheBehavior.MinTTL`, 10);
// DistributionConfig.DefaultCacheBehavior: remove RealtimeLogConfigArn
