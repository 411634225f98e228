-- Events, sessions, visitors (signed in or not) and revenue per UTC day of the last 30 days.
SELECT event_date,
  count(*) AS events,
  count(DISTINCT session_id) AS sessions,
  count(DISTINCT coalesce(anonymous_id, user_id)) AS visitors,
  round(sum(revenue), 2) AS revenue
FROM events
WHERE event_date >= current_date - INTERVAL '30' DAY
GROUP BY event_date
ORDER BY event_date DESC
