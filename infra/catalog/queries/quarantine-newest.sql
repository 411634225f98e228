-- The newest 100 quarantined lines with their payload.
SELECT arrival_time, reason, detail, payload, payload_encoding, shard_id, sequence_number, position
FROM quarantine
ORDER BY arrival_time DESC, sequence_number DESC, position DESC
LIMIT 100
