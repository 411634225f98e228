-- Sessions of the last 30 days by day: how many viewed a product, filled the cart and bought.
SELECT event_date,
  count(DISTINCT session_id) AS sessions,
  count(DISTINCT CASE WHEN event_type = 'product_view' THEN session_id END) AS saw_a_product,
  count(DISTINCT CASE WHEN event_type = 'add_to_cart' THEN session_id END) AS filled_the_cart,
  count(DISTINCT CASE WHEN event_type = 'purchase' THEN session_id END) AS bought,
  round(100 * CAST(count(DISTINCT CASE WHEN event_type = 'purchase' THEN session_id END) AS double)
    / nullif(count(DISTINCT session_id), 0), 2) AS percent_bought
FROM events
WHERE event_date >= current_date - INTERVAL '30' DAY AND session_id IS NOT NULL
GROUP BY event_date
ORDER BY event_date DESC
