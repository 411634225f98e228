-- Lines quarantined in the last 30 days by reason: how many, first and last arrival, and an example.
SELECT reason,
  count(*) AS lines,
  min(arrival_time) AS first_arrival,
  max(arrival_time) AS last_arrival,
  min(detail) AS example
FROM quarantine
WHERE arrival_day >= date_format(current_date - INTERVAL '30' DAY, 'year=%Y/month=%m/day=%d')
GROUP BY reason
ORDER BY lines DESC, reason
