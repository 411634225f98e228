-- Quarantined lines by reason: how many, first and last arrival, and an example.
SELECT reason,
  count(*) AS lines,
  min(arrival_time) AS first_arrival,
  max(arrival_time) AS last_arrival,
  min(detail) AS example
FROM quarantine
GROUP BY reason
ORDER BY lines DESC, reason
