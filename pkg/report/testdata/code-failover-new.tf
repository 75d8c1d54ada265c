# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  origin_group {
    origin_id = "web-or-spare"
    failover_criteria {
      status_codes = [502, 503]
    }
    member {
      origin_id = "web"
    }
    member {
      origin_id = "spare"
    }
  }
  default_cache_behavior {
    target_origin_id = "web-or-spare"
  }
}
