"""How Athena reports that a query failed or that a call is refused."""

from __future__ import annotations

from ..core.queries import MalformedQuery, QueryFailed
from ..glue.catalog import CatalogError
from ..hive.errors import TASK, DdlFailed
from ..iam.permissions import Denied
from ..s3.objects import StorageError
from ..trino.client import CANCELLED, OVER_SCAN_LIMIT

USER_ERROR = 2
SYSTEM_ERROR = 1

# AthenaError.ErrorType: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
_ERROR_TYPES = {
    "HIVE_BAD_DATA": 200,
    "HIVE_CURSOR_ERROR": 201,
    "HIVE_FILESYSTEM_ERROR": 202,
    "HIVE_UNSUPPORTED_FORMAT": 203,
    "HIVE_INVALID_METADATA": 204,
    "HIVE_INVALID_PARTITION_VALUE": 205,
    "HIVE_PARTITION_SCHEMA_MISMATCH": 206,
    "HIVE_PATH_ALREADY_EXISTS": 207,
    "INVALID_TABLE_PROPERTY": 208,
    "CONSTRAINT_VIOLATION": 209,
    "NOT_SUPPORTED": 1100,
    "SYNTAX_ERROR": 1006,
    "COLUMN_NOT_FOUND": 1006,
    "TABLE_NOT_FOUND": 1006,
    "SCHEMA_NOT_FOUND": 1006,
    "FUNCTION_NOT_FOUND": 1006,
    "TYPE_MISMATCH": 1006,
    "DIVISION_BY_ZERO": 1106,
    "INVALID_CAST_ARGUMENT": 1106,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1106,
    "GENERIC_INTERNAL_ERROR": 1,
}
_OTHER_USER_ERROR = 1200
# Queries that Trino ends with these are CANCELLED, for this reason.
_CANCELLED = {
    CANCELLED: "Query was cancelled by user",
    OVER_SCAN_LIMIT: "Query cancelled! : Bytes scanned limit was exceeded",
}


class RequestRefused(Exception):
    """The API call is rejected (InvalidRequestException)."""

    def __init__(self, message: str, code: str = "INVALID_INPUT") -> None:
        super().__init__(message)
        self.code = code


def failed_status(problem: Exception) -> dict:
    """What ends the Status of a query that raised this: state, reason and AthenaError."""
    failure = _failure(problem)
    if failure.code in _CANCELLED:
        return {"State": "CANCELLED", "StateChangeReason": _CANCELLED[failure.code]}
    error = {
        "ErrorCategory": SYSTEM_ERROR if failure.is_system else USER_ERROR,
        "ErrorType": _ERROR_TYPES.get(failure.code, _OTHER_USER_ERROR),
        "Retryable": False,
        "ErrorMessage": str(failure),
    }
    return {"State": "FAILED", "StateChangeReason": str(failure), "AthenaError": error}


def _failure(problem: Exception) -> QueryFailed:
    """The cause with the name and the words that Athena has for it."""
    if isinstance(problem, QueryFailed):
        return _in_words(problem)
    if isinstance(problem, Denied):
        return QueryFailed("PERMISSION_DENIED", f"Insufficient permissions to execute the query. {problem}")
    if isinstance(problem, StorageError):
        return QueryFailed("HIVE_FILESYSTEM_ERROR", str(problem))
    if isinstance(problem, CatalogError):
        return DdlFailed(f"{TASK} {problem.code}: {problem}")
    if isinstance(problem, MalformedQuery | RequestRefused):
        return QueryFailed("SYNTAX_ERROR", str(problem))
    return QueryFailed("GENERIC_INTERNAL_ERROR", f"{type(problem).__name__}: {problem}", is_system=True)


def _in_words(failure: QueryFailed) -> QueryFailed:
    if failure.code == "EXCEEDED_TIME_LIMIT":
        return QueryFailed(failure.code, f"Query timeout: {failure.message}", is_system=failure.is_system)
    if failure.code == "COLUMN_NOT_FOUND":
        unknown = " or requester is not authorized to access requested resources"
        return QueryFailed(failure.code, failure.message + unknown, is_system=failure.is_system)
    return failure
