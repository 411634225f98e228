-- Report: visitors by the day or week of their first visit in the last 30 days, and how many visited again how much later. By day for 14 days only.
WITH dates AS (
  SELECT coalesce(anonymous_id, user_id) AS visitor, event_date
  FROM events
  WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
    AND coalesce(anonymous_id, user_id) IS NOT NULL
    AND coalesce(device_type, '') <> 'bot'
  GROUP BY coalesce(anonymous_id, user_id), event_date
), since AS (
  SELECT visitor, event_date, min(event_date) OVER (PARTITION BY visitor) AS first_day
  FROM dates
), cohorts AS (
  SELECT visitor,
    first_day,
    date_diff('day', first_day, event_date) AS days_later,
    date_trunc('week', first_day) AS first_week,
    date_diff('week', date_trunc('week', first_day), date_trunc('week', event_date)) AS weeks_later
  FROM since
)
SELECT CASE WHEN grouping(first_day) = 0 THEN 'day' ELSE 'week' END AS unit,
  coalesce(first_day, first_week) AS cohort,
  coalesce(days_later, weeks_later) AS later,
  count(DISTINCT visitor) AS visitors
FROM cohorts
GROUP BY GROUPING SETS ((first_day, days_later), (first_week, weeks_later))
HAVING grouping(first_day) = 1 OR first_day < current_date - INTERVAL '29' DAY + INTERVAL '14' DAY
ORDER BY unit, cohort, later
