"""The Data Catalog's partitions and filters, and jobs that run on real Spark."""
