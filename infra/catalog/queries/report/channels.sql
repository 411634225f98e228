-- Report: sessions of the last 30 days by channel and campaign, and their purchases by the visitor's first touch and by the last touch that was not direct.
WITH visits AS (
  SELECT CASE WHEN session_id NOT LIKE 'anonymous-%' THEN session_id END AS session_id,
    coalesce(anonymous_id, user_id, session_id) AS visitor,
    event_time,
    event_type = 'purchase' AS purchase,
    CASE WHEN event_type = 'purchase' THEN TRY_CAST(revenue AS decimal(24, 4)) END AS revenue,
    lower(utm_source) AS utm_source,
    lower(utm_medium) AS utm_medium,
    utm_campaign,
    regexp_extract(lower(referrer_url), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\.)?([^/?#:]+)', 1) AS referrer,
    regexp_extract(lower(page_url), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\.)?([^/?#:]+)', 1) AS site
  FROM events
  WHERE event_date >= current_date - INTERVAL '29' DAY AND event_date <= current_date
    AND coalesce(device_type, '') <> 'bot'
), numbered AS (
  SELECT session_id, visitor, event_time, purchase, revenue, utm_source, utm_medium, utm_campaign,
    nullif(referrer, site) AS referrer,
    session_id IS NOT NULL AND row_number() OVER (
      PARTITION BY session_id, CASE WHEN session_id IS NULL THEN visitor END
      ORDER BY event_time, utm_source, utm_medium, utm_campaign, nullif(referrer, site), visitor, purchase, revenue
    ) = 1 AS touch
  FROM visits
), named AS (
  SELECT session_id, visitor, event_time, purchase, revenue, touch,
    coalesce(utm_source, referrer, '') AS source,
    coalesce(utm_campaign, '') AS campaign,
    CASE
      WHEN regexp_like(utm_medium, '^(cpc|ppc|paidsearch|paid_search|sem)$') THEN 'Paid search'
      WHEN regexp_like(utm_medium, '^(paid_?social|social_?paid|cpm_social)$') THEN 'Paid social'
      WHEN regexp_like(utm_medium, '^(e-?mail|newsletter)$') THEN 'Email'
      WHEN regexp_like(utm_medium, '^(display|banner|cpm)$') THEN 'Display'
      WHEN regexp_like(utm_medium, '^affiliates?$') THEN 'Affiliates'
      WHEN regexp_like(utm_medium, '^(social|social_network|sm)$') THEN 'Social'
      WHEN utm_medium IS NOT NULL OR utm_source IS NOT NULL OR utm_campaign IS NOT NULL THEN 'Other campaigns'
      WHEN referrer IS NULL THEN 'Direct'
      WHEN regexp_like(referrer, '^(mail|webmail|outlook)\.|^com\.google\.android\.gm$') THEN 'Email'
      WHEN regexp_like(referrer, '(^|\.)(google|bing|duckduckgo|ecosia|qwant|yahoo|yandex|baidu|startpage|kagi)(\.[a-z]+){1,2}$') THEN 'Organic search'
      WHEN regexp_like(referrer, '(^|\.)(facebook|instagram|pinterest|reddit|linkedin|tiktok|twitter|youtube|threads|t|x)\.[a-z]+$') THEN 'Social'
      ELSE 'Referral'
    END AS channel
  FROM numbered
), touched AS (
  SELECT touch, purchase, revenue,
    CASE WHEN touch THEN ROW(channel, source, campaign) END AS own,
    first_value(CASE WHEN touch THEN ROW(channel, source, campaign) END) IGNORE NULLS OVER (
      PARTITION BY visitor ORDER BY event_time, touch DESC, session_id, channel, source, campaign ROWS UNBOUNDED PRECEDING
    ) AS first_touch,
    last_value(CASE WHEN touch AND channel <> 'Direct' THEN ROW(channel, source, campaign) END) IGNORE NULLS OVER (
      PARTITION BY visitor ORDER BY event_time, touch DESC, session_id, channel, source, campaign ROWS UNBOUNDED PRECEDING
    ) AS last_touch
  FROM named
), counted AS (
  SELECT kind,
    coalesce(channel, 'Direct') AS channel,
    coalesce(source, '') AS source,
    coalesce(campaign, '') AS campaign,
    revenue
  FROM touched
  CROSS JOIN UNNEST(
    ARRAY['session', 'first', 'last'],
    ARRAY[own, first_touch, last_touch]
  ) AS attributed (kind, channel, source, campaign)
  WHERE CASE kind WHEN 'session' THEN touch ELSE purchase END
), summed AS (
  SELECT channel, source, campaign,
    grouping(source, campaign) = 3 AS whole_channel,
    count_if(kind = 'session') AS sessions,
    count_if(kind = 'first') AS first_touch_purchases,
    coalesce(sum(CASE WHEN kind = 'first' THEN revenue END), DECIMAL '0.0000') AS first_touch_revenue,
    count_if(kind = 'last') AS last_touch_purchases,
    coalesce(sum(CASE WHEN kind = 'last' THEN revenue END), DECIMAL '0.0000') AS last_touch_revenue
  FROM counted
  GROUP BY GROUPING SETS ((channel), (channel, source, campaign))
), ranked AS (
  SELECT channel, source, campaign, whole_channel, sessions, first_touch_purchases, first_touch_revenue,
    last_touch_purchases, last_touch_revenue,
    row_number() OVER (
      PARTITION BY whole_channel ORDER BY sessions DESC, last_touch_purchases DESC, channel, source, campaign
    ) AS place
  FROM summed
)
SELECT channel, source, campaign, sessions, first_touch_purchases, first_touch_revenue, last_touch_purchases,
  last_touch_revenue
FROM ranked
WHERE place <= 30
ORDER BY whole_channel DESC, place
