"""Step Functions executions: JSONata, timeouts, service integrations and error names as AWS has them."""
