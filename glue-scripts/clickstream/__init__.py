"""The Glue job that transforms raw events into the clean, partitioned table `events`. job.py runs it."""
