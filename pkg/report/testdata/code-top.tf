# only what changes is here; the resource has your own name
resource "aws_cloudfront_distribution" "distribution" {
  is_ipv6_enabled = true
  web_acl_id      = ""
  comment         = "$${secret} %%{if} \"quoted\" \u003cb\u003e"
  # aliases: remove "www.example.com"
  restrictions {
    geo_restriction {
      # locations: add "DE"
    }
  }
  viewer_certificate {
    minimum_protocol_version = "TLSv1.2_2021"
  }
}
