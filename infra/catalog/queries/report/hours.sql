-- Report: events and sessions of the last 30 days by day of the week and hour (UTC).
SELECT day_of_week,
  hour,
  count(*) AS events,
  count(DISTINCT CASE WHEN session_id NOT LIKE 'anonymous-%' THEN session_id END) AS sessions
FROM events
WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
  AND coalesce(device_type, '') <> 'bot'
GROUP BY day_of_week, hour
ORDER BY day_of_week, hour
