-- Events of the last 120 days that arrived in the last 30 days, on a later day than they happened, by days late.
SELECT date_diff('day', event_date, CAST(ingested_at AS date)) AS days_late,
  count(*) AS events,
  min(event_date) AS oldest
FROM events
WHERE event_date >= current_date - INTERVAL '120' DAY
  AND ingested_at >= current_date - INTERVAL '30' DAY
  AND CAST(ingested_at AS date) > event_date
GROUP BY date_diff('day', event_date, CAST(ingested_at AS date))
ORDER BY days_late
