// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
distribution.addPropertyOverride(`DistributionConfig.OriginGroups`, {
  Quantity: 1,
  Items: [
    {
      Id: "web-or-spare",
      SelectionCriteria: "default",
      FailoverCriteria: {
        StatusCodes: {
          Items: [502, 503],
          Quantity: 2,
        },
      },
      Members: {
        Quantity: 2,
        Items: [
          {
            OriginId: "web",
          },
          {
            OriginId: "spare",
          },
        ],
      },
    },
  ],
});
distribution.addPropertyOverride(`DistributionConfig.DefaultCacheBehavior.TargetOriginId`, "web-or-spare");
