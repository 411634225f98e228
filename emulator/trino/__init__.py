"""Trino, the engine that Athena version 3 is built on: how it is started, and how it runs a statement.

It reads the Glue catalog and S3 of this emulator over HTTP.
"""
