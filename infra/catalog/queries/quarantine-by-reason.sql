-- Quarantined lines by reason, with the first and last arrival and an example.
SELECT reason,
  count(*) AS lines,
  min(arrival_time) AS first_arrival,
  max(arrival_time) AS last_arrival,
  min(detail) AS example
FROM quarantine
GROUP BY reason
ORDER BY lines DESC, reason
