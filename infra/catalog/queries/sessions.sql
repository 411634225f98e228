-- Sessions per day of the last 30 days: number, events, duration, and the share with one event.
WITH sessions AS (
  SELECT event_date,
    session_id,
    count(*) AS events,
    date_diff('second', min(event_time), max(event_time)) AS seconds
  FROM events
  WHERE event_date >= current_date - INTERVAL '30' DAY AND session_id IS NOT NULL
  GROUP BY event_date, session_id
)
SELECT event_date,
  count(*) AS sessions,
  round(avg(events), 1) AS events_a_session,
  round(avg(seconds), 0) AS seconds_a_session,
  round(100 * CAST(count_if(events = 1) AS double) / count(*), 1) AS percent_with_one_event
FROM sessions
GROUP BY event_date
ORDER BY event_date DESC
