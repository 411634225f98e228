-- Rows that each run of the last 30 days added, and to how many of the last 120 days.
SELECT processed_at,
  count(*) AS rows_added,
  count(DISTINCT event_date) AS days,
  min(event_date) AS first_day,
  max(event_date) AS last_day
FROM events
WHERE event_date >= current_date - INTERVAL '120' DAY AND processed_at >= current_date - INTERVAL '30' DAY
GROUP BY processed_at
ORDER BY processed_at DESC
