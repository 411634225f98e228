-- Events and sessions of the last 7 days, by event type.
SELECT event_type,
  count(*) AS events,
  count(DISTINCT session_id) AS sessions
FROM events
WHERE event_date >= current_date - INTERVAL '7' DAY
GROUP BY event_type
ORDER BY events DESC, event_type
