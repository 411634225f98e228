"""The naive baseline of the Spark benchmark: inferred schema, dropDuplicates, the whole table overwritten.

It makes the same rows as the job, without regard to speed, incremental runs or crashes.
"""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def run(spark: SparkSession, raw_path: str, curated_path: str) -> None:
    events = spark.read.json(raw_path).dropDuplicates(["event_id"])
    is_purchase = F.col("event_type") == "purchase"
    rows = (
        events.withColumn("event_time", F.to_timestamp("event_time"))
        .withColumn("ip", F.regexp_replace("geo.ip", r"\.\d+$", ".0"))
        .withColumn("country", F.col("geo.country"))
        .withColumn("city", F.col("geo.city"))
        .withColumn("quantity", F.col("quantity").cast("int"))
        .withColumn("revenue", F.when(is_purchase, F.col("product_price") * F.col("quantity")).otherwise(0.0))
        .withColumn("hour", F.hour("event_time"))
        .withColumn("day_of_week", F.date_format("event_time", "EEEE"))
        # An inferred object is a struct; by way of JSON it becomes a map.
        .withColumn("properties", F.from_json(F.to_json("properties"), "map<string,string>"))
        .withColumn("ingested_at", F.to_timestamp("arrival.time"))
        .withColumn("processed_at", F.current_timestamp())
        .withColumn("event_date", F.to_date("event_time"))
        .drop("geo", "arrival", "user_agent", "email", "year", "month", "day")
    )
    rows.write.mode("overwrite").partitionBy("event_date").parquet(curated_path)
