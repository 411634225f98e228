-- Report: the 20 product categories with the most revenue in the last 30 days, with purchases and pieces.
SELECT product_category,
  count(*) AS purchases,
  sum(coalesce(quantity, 1)) AS pieces,
  coalesce(sum(TRY_CAST(revenue AS decimal(24, 4))), DECIMAL '0.0000') AS revenue,
  count(*) OVER () AS all_categories
FROM events
WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
  AND event_type = 'purchase'
  AND coalesce(device_type, '') <> 'bot'
GROUP BY product_category
ORDER BY revenue DESC, purchases DESC, product_category
LIMIT 20
