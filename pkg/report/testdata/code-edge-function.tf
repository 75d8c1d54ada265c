# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  default_cache_behavior {
    lambda_function_association {
      event_type = "origin-request"
      lambda_arn = "arn:aws:lambda:us-east-1:111122223333:function:shop:4"
    }
  }
  ordered_cache_behavior {
    path_pattern = "/api/*/x"
    # function_association: remove the one with event_type "viewer-request"
  }
}
