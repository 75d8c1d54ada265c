# Its place in this format is not known here. In CloudFront's API:
#   "IAM/edge-role/Trust/Service" becomes ["edgelambda.amazonaws.com"]
#   "ViewerMtlsConfig/Mode" becomes "optional"
#   "Origins/Items/[Id=web]/S3OriginConfig/OriginReadTimeout" becomes 30
