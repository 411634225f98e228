"""S3: fast listing, the headers that Spark needs over plain HTTP, and access for the engines in this process."""
