-- Report: sessions, sessions with a purchase and events of the last 30 days by device type, by browser and by operating system, up to 10 of each.
WITH counted AS (
  SELECT CASE grouping(device_type, browser, os) WHEN 3 THEN 'device' WHEN 5 THEN 'browser' ELSE 'os' END AS kind,
    CASE grouping(device_type, browser, os) WHEN 3 THEN device_type WHEN 5 THEN browser ELSE os END AS name,
    count(DISTINCT CASE WHEN session_id NOT LIKE 'anonymous-%' THEN session_id END) AS sessions,
    count(DISTINCT CASE WHEN session_id NOT LIKE 'anonymous-%' AND event_type = 'purchase' THEN session_id END)
      AS sessions_with_purchase,
    count(*) AS events
  FROM events
  WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
    AND coalesce(device_type, '') <> 'bot'
  GROUP BY GROUPING SETS ((device_type), (browser), (os))
), ranked AS (
  SELECT kind, name, sessions, sessions_with_purchase, events,
    row_number() OVER (PARTITION BY kind ORDER BY sessions DESC, events DESC, name) AS place
  FROM counted
)
SELECT kind, name, sessions, sessions_with_purchase, events
FROM ranked
WHERE place <= 10
ORDER BY kind, place
