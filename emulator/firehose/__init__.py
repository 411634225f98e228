"""Amazon Data Firehose: puts, buffers, the transformation by a Lambda, and delivery to S3."""
