"""Kinesis shards with AWS's limits, and the event source mappings that read them."""
