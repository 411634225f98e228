"""Local AWS Glue: partitions and filters of the Data Catalog, the catalog for engines, and jobs on real Spark."""
