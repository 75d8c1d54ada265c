// distribution is yours.node.defaultChild as cloudfront.CfnDistribution
distribution.addPropertyOverride(`DistributionConfig.IPV6Enabled`, true);
distribution.addPropertyOverride(`DistributionConfig.WebACLId`, "");
distribution.addPropertyOverride(`DistributionConfig.Comment`, "${secret} %{if} \"quoted\" \u003cb\u003e");
// DistributionConfig.Aliases: remove "www.example.com"
// DistributionConfig.Restrictions.GeoRestriction.Locations: add "DE"
distribution.addPropertyOverride(`DistributionConfig.ViewerCertificate.MinimumProtocolVersion`, "TLSv1.2_2021");
