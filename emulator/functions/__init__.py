"""Lambda functions: how long an invocation takes, and what limits it."""
