-- Events of the last 7 days by day, type and device. Shows which ones are missing when the volume drops.
SELECT event_date, event_type, device_type, count(*) AS events
FROM events
WHERE event_date >= current_date - INTERVAL '7' DAY
GROUP BY event_date, event_type, device_type
ORDER BY event_date DESC, events DESC, event_type, device_type
