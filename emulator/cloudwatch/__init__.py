"""CloudWatch's list of dashboards, with times in the form that AWS sends."""
