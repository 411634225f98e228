"""Contract of S3 on the running emulator for clients that cannot name a KMS key over plain HTTP."""

from __future__ import annotations

import urllib.request

from emulator_stack import Stack, unique

# As Hadoop 3.3.4's S3 client calls itself.
HADOOP = "Hadoop 3.3.4, aws-sdk-java/1.12.262 Linux/6.1 OpenJDK_64-Bit_Server_VM/17 java/17 vendor/Debian"


def encrypted_bucket(stack: Stack) -> tuple[str, str]:
    """A bucket that encrypts with a key of ours by default, with the object `source`; and the key."""
    s3 = stack.client("s3")
    bucket = unique("bucket")
    key = stack.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    s3.put_object(Bucket=bucket, Key="source", Body=b"rows")
    return bucket, key


def head(url: str, user_agent: str) -> dict[str, str]:
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": user_agent})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as response:
        return {name.lower(): value for name, value in response.headers.items()}


def test_spark_is_not_told_how_an_object_is_encrypted_and_everyone_else_is(stack: Stack) -> None:
    bucket, key = encrypted_bucket(stack)
    told = stack.client("s3").head_object(Bucket=bucket, Key="source")
    assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", key)
    untold = head(f"{stack.endpoint}/{bucket}/source", user_agent=HADOOP)
    assert untold["content-length"] == str(len(b"rows"))
    assert [name for name in untold if "encryption" in name] == []


def test_a_copy_that_names_no_key_is_encrypted_as_the_bucket_says(stack: Stack) -> None:
    bucket, key = encrypted_bucket(stack)
    s3 = stack.client("s3")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "source"})
    copied = s3.head_object(Bucket=bucket, Key="copy")
    assert (copied["ServerSideEncryption"], copied["SSEKMSKeyId"]) == ("aws:kms", key)
