-- The newest event of the table, when it arrived, when its run wrote it, and the minutes between.
SELECT max(event_time) AS newest_event,
  max(ingested_at) AS newest_arrival,
  max(processed_at) AS newest_run,
  date_diff('minute', max(ingested_at), max(processed_at)) AS minutes_from_arrival_to_table
FROM events
WHERE event_date >= current_date - INTERVAL '2' DAY
