-- Events that are in the table more than once on a date of the last 30 days. There should be none.
SELECT event_id, event_date, count(*) AS copies, min(processed_at) AS first_run, max(processed_at) AS last_run
FROM events
WHERE event_date >= current_date - INTERVAL '30' DAY
GROUP BY event_id, event_date
HAVING count(*) > 1
ORDER BY copies DESC, event_id, event_date
LIMIT 100
