-- Report: how many sessions of the last 30 days came how far, from the visit to the purchase: in this order, and at all.
WITH steps AS (
  SELECT session_id,
    event_time,
    CASE event_type WHEN 'product_view' THEN 2 WHEN 'add_to_cart' THEN 3 WHEN 'begin_checkout' THEN 4
      WHEN 'purchase' THEN 5 ELSE 1 END AS step
  FROM events
  WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
    AND session_id NOT LIKE 'anonymous-%'
    AND coalesce(device_type, '') <> 'bot'
), to_product AS (
  SELECT session_id, event_time, step,
    max(CASE WHEN step = 2 THEN 1 ELSE 0 END)
      OVER (PARTITION BY session_id ORDER BY event_time, step ROWS UNBOUNDED PRECEDING) AS viewed
  FROM steps
), to_cart AS (
  SELECT session_id, event_time, step, viewed,
    max(CASE WHEN step = 3 THEN viewed ELSE 0 END)
      OVER (PARTITION BY session_id ORDER BY event_time, step ROWS UNBOUNDED PRECEDING) AS filled
  FROM to_product
), to_checkout AS (
  SELECT session_id, step, viewed, filled,
    max(CASE WHEN step = 4 THEN filled ELSE 0 END)
      OVER (PARTITION BY session_id ORDER BY event_time, step ROWS UNBOUNDED PRECEDING) AS ready
  FROM to_cart
), sessions AS (
  SELECT session_id,
    max(viewed) AS viewed,
    max(filled) AS filled,
    max(ready) AS ready,
    max(CASE WHEN step = 5 THEN ready ELSE 0 END) AS bought,
    max(CASE WHEN step = 2 THEN 1 ELSE 0 END) AS any_view,
    max(CASE WHEN step = 3 THEN 1 ELSE 0 END) AS any_cart,
    max(CASE WHEN step = 4 THEN 1 ELSE 0 END) AS any_checkout,
    max(CASE WHEN step = 5 THEN 1 ELSE 0 END) AS any_purchase
  FROM to_checkout
  GROUP BY session_id
), sums AS (
  SELECT count(*) AS visits,
    coalesce(sum(viewed), 0) AS viewed,
    coalesce(sum(filled), 0) AS filled,
    coalesce(sum(ready), 0) AS ready,
    coalesce(sum(bought), 0) AS bought,
    coalesce(sum(any_view), 0) AS any_view,
    coalesce(sum(any_cart), 0) AS any_cart,
    coalesce(sum(any_checkout), 0) AS any_checkout,
    coalesce(sum(any_purchase), 0) AS any_purchase
  FROM sessions
)
SELECT step, sessions, sessions_in_any_order
FROM sums
CROSS JOIN UNNEST(
  ARRAY['visit', 'product_view', 'add_to_cart', 'begin_checkout', 'purchase'],
  ARRAY[visits, viewed, filled, ready, bought],
  ARRAY[visits, any_view, any_cart, any_checkout, any_purchase]
) WITH ORDINALITY AS funnel (step, sessions, sessions_in_any_order, place)
ORDER BY place
