# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  aliases                         = ["www.example.com"]
  comment                         = "shop"
  continuous_deployment_policy_id = ""
  default_root_object             = "index.html"
  enabled                         = true
  http_version                    = "http2"
  is_ipv6_enabled                 = true
  price_class                     = "PriceClass_100"
  staging                         = false
  web_acl_id                      = ""
  custom_error_response {
    error_caching_min_ttl = 10
    error_code            = 404
    response_code         = 404
    response_page_path    = "/404.html"
  }
  default_cache_behavior {
    cached_methods         = ["GET", "HEAD"]
    allowed_methods        = ["GET", "HEAD"]
    compress               = true
    default_ttl            = 86400
    max_ttl                = 31536000
    min_ttl                = 0
    smooth_streaming       = false
    target_origin_id       = "web"
    viewer_protocol_policy = "redirect-to-https"
    forwarded_values {
      headers      = ["Host"]
      query_string = true
      cookies {
        forward           = "whitelist"
        whitelisted_names = ["a"]
      }
    }
    grpc_config {
      enabled = false
    }
    lambda_function_association {
      event_type   = "origin-request"
      include_body = false
      lambda_arn   = "arn:aws:lambda:us-east-1:111122223333:function:shop:4"
    }
  }
  logging_config {
    bucket          = "logs.s3.amazonaws.com"
    include_cookies = false
    prefix          = "cf/"
  }
  origin {
    connection_attempts = 3
    connection_timeout  = 10
    domain_name         = "web.example.com"
    origin_id           = "web"
    custom_origin_config {
      http_port                = 80
      https_port               = 443
      origin_keepalive_timeout = 5
      origin_protocol_policy   = "https-only"
      origin_read_timeout      = 30
      origin_ssl_protocols     = ["TLSv1.2"]
    }
    origin_shield {
      enabled = false
    }
  }
  restrictions {
    geo_restriction {
      locations        = ["DE"]
      restriction_type = "whitelist"
    }
  }
  viewer_certificate {
    acm_certificate_arn            = "arn:aws:acm:us-east-1:111122223333:certificate/a"
    cloudfront_default_certificate = false
    minimum_protocol_version       = "TLSv1.2_2021"
    ssl_support_method             = "sni-only"
  }
}
