SELECT ${columns}
FROM ${curated}
UNION ALL
SELECT ${columns}
FROM (
  SELECT ${columns}, row_number() OVER (
    PARTITION BY event_date, event_id
    ORDER BY ingested_at, processed_at
  ) AS copy
  FROM ${arrived}
) AS first_copies
LEFT JOIN (
  SELECT DISTINCT c.event_date AS known_date, c.event_id AS known_id
  FROM ${curated} AS c
  INNER JOIN (SELECT DISTINCT event_date, event_id FROM ${arrived}) AS a
    ON c.event_date = a.event_date AND c.event_id = a.event_id
) AS known
  ON event_date = known_date AND event_id = known_id
WHERE copy = 1 AND known_id IS NULL
