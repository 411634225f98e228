-- Report: events, sessions, visitors, purchases, revenue, bots and arrivals per UTC day of the last 30 days. The row without a date is all days.
WITH of_days AS (
  SELECT event_date,
    event_time,
    event_type,
    revenue,
    ingested_at,
    processed_at,
    coalesce(device_type, '') = 'bot' AS bot,
    CASE WHEN session_id NOT LIKE 'anonymous-%' THEN session_id END AS session_id,
    coalesce(anonymous_id, user_id) AS visitor
  FROM events
  WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
)
SELECT event_date,
  count_if(NOT bot) AS events,
  count_if(bot) AS bot_events,
  count(DISTINCT CASE WHEN NOT bot THEN session_id END) AS sessions,
  count(DISTINCT CASE WHEN NOT bot THEN visitor END) AS visitors,
  count_if(NOT bot AND event_type = 'purchase') AS purchases,
  coalesce(sum(CASE WHEN NOT bot THEN TRY_CAST(revenue AS decimal(24, 4)) END), DECIMAL '0.0000') AS revenue,
  count_if(NOT bot AND session_id IS NULL) AS events_without_session,
  count_if(NOT bot AND visitor IS NULL) AS events_without_visitor,
  count_if(CAST(ingested_at AS date) > event_date) AS late_events,
  max(event_time) AS newest_event,
  max(ingested_at) AS newest_arrival,
  max(processed_at) AS newest_run
FROM of_days
GROUP BY GROUPING SETS ((event_date), ())
ORDER BY event_date NULLS FIRST
