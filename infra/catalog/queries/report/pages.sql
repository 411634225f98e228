-- Report: the 20 pages of the last 30 days with the most views, entries and exits. A view is a page_view, or another event on another page than the one before.
WITH visited AS (
  SELECT CASE WHEN session_id NOT LIKE 'anonymous-%' THEN session_id END AS session_id,
    coalesce(session_id, anonymous_id, user_id) AS visit,
    event_time,
    event_type = 'page_view' AS page_view,
    nullif(regexp_extract(page_url, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://(?:[^/?#@]*@)?)?([^?#]*)', 1), '') AS page,
    page_title
  FROM events
  WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
    AND page_url IS NOT NULL
    AND coalesce(device_type, '') <> 'bot'
), neighbours AS (
  SELECT session_id,
    page,
    page_title,
    page_view,
    lag(page) OVER (PARTITION BY visit ORDER BY event_time, page, page_view DESC) AS page_before,
    lead(page) OVER (PARTITION BY visit ORDER BY event_time, page, page_view DESC) AS page_after
  FROM visited
  WHERE page IS NOT NULL
), pages AS (
  SELECT page,
    max(page_title) AS title,
    count_if(page_view OR page_before IS NULL OR page_before <> page) AS views,
    count(DISTINCT session_id) AS sessions,
    count_if(page_before IS NULL AND session_id IS NOT NULL) AS entries,
    count_if(page_after IS NULL AND session_id IS NOT NULL) AS exits
  FROM neighbours
  GROUP BY page
), ranked AS (
  SELECT page, title, views, sessions, entries, exits,
    row_number() OVER (ORDER BY views DESC, page) AS by_views,
    row_number() OVER (ORDER BY entries DESC, page) AS by_entries,
    row_number() OVER (ORDER BY exits DESC, page) AS by_exits,
    count(*) OVER () AS all_pages,
    sum(views) OVER () AS all_views,
    sum(entries) OVER () AS all_entries
  FROM pages
)
SELECT page, title, views, sessions, entries, exits, by_views, by_entries, by_exits, all_pages, all_views, all_entries
FROM ranked
WHERE by_views <= 20 OR by_entries <= 20 OR by_exits <= 20
ORDER BY by_views
