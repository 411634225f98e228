"""The Glue job that makes the clean, partitioned table `events` of the raw clickstream; job.py runs it."""
