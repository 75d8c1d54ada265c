# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  origin {
    origin_id = "web"
    custom_header {
      name = "X-Verify"
      # value is not shown: it may be a secret
    }
    custom_header {
      name = "X-New"
      # the rest of it is not shown: it may be a secret
    }
    custom_origin_config {
      origin_read_timeout = 30
      # origin_ssl_protocols: add "TLSv1.2"
    }
    origin_shield {
      enabled              = true
      origin_shield_region = "eu-west-1"
    }
  }
  origin {
    origin_id           = "spare"
    connection_attempts = 3
    domain_name         = "spare.example.com"
    custom_header {
      name = "X-Verify"
      # value is not shown: it may be a secret
    }
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }
}
