"""The ways in which a query fails, with Athena's names."""

from __future__ import annotations

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
_SYSTEM_CODES = {"GENERIC_INTERNAL_ERROR"}


class AthenaFailure(Exception):
    """The query execution ends FAILED with this reason."""

    def __init__(self, code: str, message: str, error_type: str = "USER_ERROR") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.is_system = error_type != "USER_ERROR" or code in _SYSTEM_CODES

    def athena_error(self) -> dict:
        """The AthenaError object of GetQueryExecution."""
        return {
            "ErrorCategory": SYSTEM_ERROR if self.is_system else USER_ERROR,
            "ErrorType": _ERROR_TYPES.get(self.code, _OTHER_USER_ERROR),
            "Retryable": False,
            "ErrorMessage": str(self),
        }


class DdlFailure(AthenaFailure):
    """A Hive DDL statement failed. Athena reports Hive's message."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, f"FAILED: {message}")
        self.code = "SYNTAX_ERROR" if message.startswith("ParseException") else "HIVE_DDL"
        self.is_system = False


class QueryCancelled(Exception):
    """The query execution ends CANCELLED with this reason."""


class RequestRefused(Exception):
    """The API call is rejected (InvalidRequestException)."""

    def __init__(self, message: str, code: str = "INVALID_INPUT") -> None:
        super().__init__(message)
        self.code = code


class MalformedQuery(RequestRefused):
    """The text is not a statement. Athena rejects it at StartQueryExecution."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "MALFORMED_QUERY")


def not_supported(what: str) -> AthenaFailure:
    return AthenaFailure("NOT_SUPPORTED", f"{what} is not supported by the local Athena")
