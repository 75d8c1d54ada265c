// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
// i1: the index in the synthesised template of the element of DistributionConfig.DefaultCacheBehavior.LambdaFunctionAssociations with EventType "origin-request"
const i1 = ;
// i2: the index in the synthesised template of the element of DistributionConfig.CacheBehaviors with PathPattern "/api/*/x"
const i2 = ;
distribution.addPropertyOverride(`DistributionConfig.DefaultCacheBehavior.LambdaFunctionAssociations.${i1}.LambdaFunctionARN`, "arn:aws:lambda:us-east-1:111122223333:function:shop:4");
// DistributionConfig.CacheBehaviors.${i2}.FunctionAssociations: remove the one with EventType "viewer-request"
