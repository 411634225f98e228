-- What went to the quarantine, by reason: how much, since when, and one of the explanations.
SELECT reason,
  count(*) AS lines,
  min(arrival_time) AS first_arrival,
  max(arrival_time) AS last_arrival,
  min(detail) AS example
FROM quarantine
GROUP BY reason
ORDER BY lines DESC, reason
