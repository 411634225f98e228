-- Report: lines that were quarantined in the last 30 days, by reason and by the UTC day of their arrival.
SELECT reason,
  CAST(arrival_time AS date) AS arrival_date,
  count(*) AS lines
FROM quarantine
WHERE arrival_day >= date_format(current_date - INTERVAL '29' DAY, 'year=%Y/month=%m/day=%d')
  AND arrival_day <= date_format(current_date, 'year=%Y/month=%m/day=%d')
GROUP BY reason, CAST(arrival_time AS date)
ORDER BY reason, arrival_date
