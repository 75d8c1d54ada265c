// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
// i1: the index in the synthesised template of the element of DistributionConfig.Origins with Id "web"
const i1 = ;
distribution.addPropertyOverride(`DistributionConfig.Origins.${i1}.S3OriginConfig.OriginReadTimeout`, 30);
// Its place in this format is not known here. In CloudFront's API:
//   "IAM/edge-role/Trust/Service" becomes ["edgelambda.amazonaws.com"]
//   "ViewerMtlsConfig/Mode" becomes "optional"
