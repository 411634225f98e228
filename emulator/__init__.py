"""The local AWS emulator: MiniStack (PyPI `ministack`, MIT) in one process, with the parts that it fakes replaced.

MiniStack answers the AWS APIs. Where its answer would not be what AWS does, a part replaces it, one folder a service:

- `core/`: the process itself: start, patches of MiniStack, paging, and the reaper of what a run started
- `iam/`: permissions, which MiniStack does not check
- `kinesis/`: shards with limits, and event source mappings with batches, retries, bisecting and failure destinations
- `glue/`: the Data Catalog's partitions, and job runs on real Spark
- `athena/`: queries with Athena's SQL, results and permissions, which MiniStack answers with canned rows
- `states/`: Step Functions with JSONata, timeouts, `.sync` integrations and Lambda's errors
- `s3/`, `cloudwatch/`: two answers in the form that clients expect
- `sns/`: e-mail subscriptions, delivered over SMTP to a real mailbox
"""
