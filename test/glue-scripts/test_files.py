"""Hadoop's own committer writes the files, whatever the cluster has set: it publishes when the whole job commits."""

import clickstream_etl as etl
import pytest

HOSTILE = {
    "spark.sql.sources.commitProtocolClass": "org.example.PublishesAtTaskCommit",
    "spark.sql.parquet.output.committer.class": "org.example.PublishesAtTaskCommit",
}


def test_a_cluster_that_has_committers_of_its_own_does_not_decide(lake, spark):
    rows = spark.sql("SELECT 'a' AS event_id, DATE '2026-03-15' AS event_date")
    before = {key: spark.conf.get(key) for key in HOSTILE}
    for key, value in HOSTILE.items():
        spark.conf.set(key, value)
    # The classes are not there: a write that asked for one of them fails.
    with pytest.raises(Exception, match="PublishesAtTaskCommit"):
        rows.write.parquet(lake.uri("refused/"))
    try:
        etl.configure(spark, 0, 128)
        etl.write_parquet(rows, lake.uri("events/"), "append")
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)
    assert [one.uri for one in lake.store.list_objects(lake.uri("events/")) if "_temporary" in one.uri] == []
    assert lake.store.list_folders(lake.uri("events/")) == ["event_date=2026-03-15"]


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
def test_paths_of_s3_have_the_factory_of_the_file_committer(spark, scheme):
    """Asked of Hadoop itself: what a cluster registers for a scheme is overruled by the write's own options."""
    jvm = spark.sparkContext._jvm
    conf = spark.sparkContext._jsc.hadoopConfiguration()
    hostile = jvm.org.apache.hadoop.conf.Configuration(conf)
    hostile.set(f"mapreduce.outputcommitter.factory.scheme.{scheme}", "org.example.S3ACommitterFactory")
    for key, value in etl.FILE_COMMITTER.items():
        hostile.set(key, value)
    path = jvm.org.apache.hadoop.fs.Path(f"{scheme}://bucket/events")
    factory = jvm.org.apache.hadoop.mapreduce.lib.output.PathOutputCommitterFactory
    found = factory.getCommitterFactory(path, hostile).getClass().getName()
    assert found == "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
