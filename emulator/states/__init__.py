"""Step Functions executions: JSONata, timeouts, service integrations and AWS's error names."""
