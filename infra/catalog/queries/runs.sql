-- Rows and dates that each run of the last 30 days added.
SELECT processed_at,
  count(*) AS rows_added,
  count(DISTINCT event_date) AS days,
  min(event_date) AS first_day,
  max(event_date) AS last_day
FROM events
WHERE processed_at >= current_date - INTERVAL '30' DAY
GROUP BY processed_at
ORDER BY processed_at DESC
