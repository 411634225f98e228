"""The local AWS emulator: MiniStack (PyPI `ministack`, MIT) in one process, with replaced parts.

MiniStack answers the AWS APIs. Where it differs from AWS, a part replaces it, one folder per service:

- `core/`: the process: start, patches of MiniStack, paging, and the reaper, which ends what a run started
- `iam/`: permissions, which MiniStack does not check
- `kinesis/`: shards with limits, and event source mappings with batches, retries, bisecting and failure destinations
- `firehose/`: delivery streams with buffers, transformation, failed records and delivery to S3
- `glue/`: the Data Catalog's partitions, and job runs on real Spark
- `athena/`: queries on Trino, with Athena's DDL, results and permissions. MiniStack returns fixed rows
- `states/`: Step Functions with JSONata, timeouts, `.sync` integrations and Lambda's errors
- `s3/`, `cloudwatch/`: two responses in the form that clients expect
- `sns/`: e-mail subscriptions, delivered over SMTP to a real mailbox
"""
