"""Local AWS Glue: partitions and filters of the Data Catalog, and jobs on real Spark."""
