"""S3's HEAD over plain HTTP, in the form that Spark's S3 client can use."""
