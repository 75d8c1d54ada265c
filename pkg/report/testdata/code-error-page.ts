// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
// i1: the index in the synthesised template of the element of DistributionConfig.CustomErrorResponses with ErrorCode 404
const i1 = ;
// i2: how many elements DistributionConfig.CustomErrorResponses has in the synthesised template; where it has none, override it with a list of this one
const i2 = ;
distribution.addPropertyOverride(`DistributionConfig.CustomErrorResponses.${i1}.ResponseCode`, 404);
// DistributionConfig.CustomErrorResponses: remove the one with ErrorCode 500
distribution.addPropertyOverride(`DistributionConfig.CustomErrorResponses.${i2}`, {
  ErrorCode: 503,
  ErrorCachingMinTTL: 60,
});
