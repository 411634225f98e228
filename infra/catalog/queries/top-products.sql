-- The 50 products with the most revenue in the last 30 days.
SELECT product_id,
  max(product_name) AS product_name,
  count_if(event_type = 'product_view') AS views,
  sum(CASE WHEN event_type = 'purchase' THEN quantity ELSE 0 END) AS pieces,
  round(sum(revenue), 2) AS revenue
FROM events
WHERE event_date >= current_date - INTERVAL '30' DAY AND product_id IS NOT NULL
GROUP BY product_id
ORDER BY revenue DESC, views DESC, product_id
LIMIT 50
