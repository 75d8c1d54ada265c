// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
// i1: the index in the synthesised template of the element of DistributionConfig.OriginGroups.Items with Id "g"
const i1 = ;
// DistributionConfig.OriginGroups.Items.${i1}.FailoverCriteria.StatusCodes.Items: add 503, and count it in Quantity
