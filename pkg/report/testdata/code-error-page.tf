# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  custom_error_response {
    error_code    = 404
    response_code = 404
  }
  custom_error_response {
    error_code            = 503
    error_caching_min_ttl = 60
  }
  # custom_error_response: remove the one with error_code 500
}
