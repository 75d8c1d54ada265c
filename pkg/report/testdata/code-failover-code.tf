# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  origin_group {
    origin_id = "g"
    failover_criteria {
      # status_codes: add 503
    }
  }
}
