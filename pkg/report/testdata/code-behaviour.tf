# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  ordered_cache_behavior {
    path_pattern = "/b"
    # cached_methods: remove "OPTIONS"
  }
  ordered_cache_behavior {
    path_pattern           = "/new"
    cached_methods         = ["GET", "HEAD"]
    allowed_methods        = ["GET", "HEAD"]
    compress               = true
    target_origin_id       = "web"
    viewer_protocol_policy = "redirect-to-https"
    # no lambda_function_association
  }
  # ordered_cache_behavior: their order: ["/a", "/b", "/new"]
  default_cache_behavior {
    min_ttl = 10
    # remove realtime_log_config_arn
  }
}
