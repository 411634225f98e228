-- The newest 100 quarantined lines of the last 30 days with their payload.
SELECT arrival_time, reason, detail, payload, payload_encoding, shard_id, sequence_number, position
FROM quarantine
WHERE arrival_day >= date_format(current_date - INTERVAL '30' DAY, 'year=%Y/month=%m/day=%d')
ORDER BY arrival_time DESC, sequence_number DESC, position DESC
LIMIT 100
