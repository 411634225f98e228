"""Hive's DDL as Athena takes it: databases, tables and partitions of the Glue catalog. Athena runs no DDL on Trino."""
