-- Events that arrived in the last 30 days, on a later day than they happened, by days late.
SELECT date_diff('day', event_date, CAST(ingested_at AS date)) AS days_late,
  count(*) AS events,
  min(event_date) AS oldest
FROM events
WHERE ingested_at >= current_date - INTERVAL '30' DAY AND CAST(ingested_at AS date) > event_date
GROUP BY date_diff('day', event_date, CAST(ingested_at AS date))
ORDER BY days_late
