"""API Gateway's HTTP APIs with Lambda integrations, as AWS documents them: requests, CORS, throttling, access logs."""
