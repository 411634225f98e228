-- The 50 most viewed pages of the last 7 days.
SELECT page_url,
  count(*) AS views,
  count(DISTINCT session_id) AS sessions
FROM events
WHERE event_date >= current_date - INTERVAL '7' DAY AND event_type = 'page_view'
GROUP BY page_url
ORDER BY views DESC, page_url
LIMIT 50
