"""Kinesis shards with the limits of AWS, and the event source mappings that read them."""
