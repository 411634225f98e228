-- Trino's functions that DuckDB lacks, or has with another meaning.
--
-- athena_fail replaces error(): a failing cast, which TRY catches and whose NULL fits every type. Its second
-- argument prevents DuckDB from evaluating it during planning.
CREATE MACRO athena_fail(m, x) AS CASE WHEN CAST(m || left(CAST(x AS VARCHAR), 0) AS TINYINT) = 0 THEN NULL END;
CREATE MACRO athena_pi() AS 3.141592653589793::DOUBLE;
CREATE MACRO athena_e() AS exp(1::DOUBLE);
CREATE MACRO athena_nan() AS 'nan'::DOUBLE;
CREATE MACRO athena_infinity() AS 'infinity'::DOUBLE;
CREATE MACRO athena_bitwise_and(a, b) AS a & b;
CREATE MACRO athena_bitwise_or(a, b) AS a | b;
CREATE MACRO athena_int_div(a, b) AS CASE WHEN b = 0 THEN athena_fail('DIVISION_BY_ZERO: Division by zero', b) ELSE a // b END;
CREATE MACRO athena_mod(a, b) AS CASE WHEN b = 0 THEN athena_fail('DIVISION_BY_ZERO: Division by zero', b) ELSE a % b END;
CREATE MACRO athena_unscaled(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT);
CREATE MACRO athena_half_up(n, d) AS
  sign(n) * sign(d) * ((2 * abs(n) + abs(d)) // (2 * abs(d)));
CREATE MACRO athena_decimal_div(a, b, shift) AS
  CASE WHEN b = 0 THEN athena_fail('DIVISION_BY_ZERO: Division by zero', b)
       ELSE athena_half_up(athena_unscaled(a) * CAST(10::HUGEINT ** shift AS HUGEINT), athena_unscaled(b)) END;
CREATE MACRO athena_digits(r, s) AS lpad(CAST(abs(r) AS VARCHAR),
  CAST(greatest(length(CAST(abs(r) AS VARCHAR)), s + 1) AS INTEGER), '0');
CREATE MACRO athena_scaled_text(r, s) AS CASE WHEN r < 0 THEN '-' ELSE '' END
  || left(athena_digits(r, s), length(athena_digits(r, s)) - s) || '.' || right(athena_digits(r, s), s);
CREATE MACRO athena_round_to_int(x) AS CAST(round(x) AS HUGEINT);
CREATE MACRO athena_integer_text(x) AS
  CASE WHEN regexp_full_match(x, '[+-]?[0-9]+') THEN x
       ELSE athena_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || x || ''' to a whole number', x) END;
CREATE MACRO athena_date_text(x) AS
  CASE WHEN regexp_full_match(trim(x), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN trim(x)
       ELSE athena_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || x, x) END;
CREATE MACRO athena_double_text(x) AS
  CASE WHEN x = 0 OR isnan(x) OR isinf(x) OR (abs(x) >= 0.001 AND abs(x) < 10000000) THEN
         replace(replace(CAST(x AS VARCHAR), 'nan', 'NaN'), 'inf', 'Infinity')
       ELSE athena_fail('NOT_SUPPORTED: the text of a double this large or small is not supported by the local Athena: '
                  || x, x) END;
CREATE MACRO athena_greatest(a) AS a, (a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE greatest(a, b) END,
  (a, b, c) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL THEN NULL ELSE greatest(a, b, c) END;
CREATE MACRO athena_least(a) AS a, (a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE least(a, b) END,
  (a, b, c) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL THEN NULL ELSE least(a, b, c) END;
CREATE MACRO athena_replace(s, a) AS replace(s, a, ''), (s, a, b) AS replace(s, a, b);
CREATE MACRO athena_split_part(s, d, n) AS
  CASE WHEN n < 1 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero', s)
       WHEN len(str_split(s, d)) >= n THEN str_split(s, d)[n] END;
CREATE MACRO athena_substr(s, p) AS CASE WHEN s IS NULL OR p IS NULL THEN NULL
    WHEN p = 0 OR abs(p) > length(s) THEN '' ELSE substr(s, p) END,
  (s, p, n) AS CASE WHEN s IS NULL OR p IS NULL OR n IS NULL THEN NULL
    WHEN p = 0 OR abs(p) > length(s) OR n <= 0 THEN '' ELSE substr(s, p, n) END;
CREATE MACRO athena_regexp_extract(s, p) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END,
  (s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END;
CREATE MACRO athena_regexp_replace(s, p) AS regexp_replace(s, p, '', 'g'),
  (s, p, r) AS regexp_replace(s, p, regexp_replace(r, '\$([0-9]+)', '\\\1', 'g'), 'g');
CREATE MACRO athena_regexp_count(s, p) AS len(regexp_extract_all(s, p));
CREATE MACRO athena_url_part(u, g) AS
  regexp_extract(u, '^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://(?:[^/?#@]*@)?(\[[^\]]*\]|[^:/?#]*)(?::([0-9]*))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$', g);
CREATE MACRO athena_url_protocol(u) AS nullif(athena_url_part(u, 1), '');
CREATE MACRO athena_url_host(u) AS nullif(athena_url_part(u, 2), '');
CREATE MACRO athena_url_port(u) AS CAST(nullif(athena_url_part(u, 3), '') AS BIGINT);
CREATE MACRO athena_url_path(u) AS url_decode(athena_url_part(u, 4));
CREATE MACRO athena_url_query(u) AS url_decode(athena_url_part(u, 5));
CREATE MACRO athena_url_fragment(u) AS url_decode(athena_url_part(u, 6));
CREATE MACRO athena_url_parameter(u, n) AS
  url_decode(replace(list_transform(
    list_filter(str_split(athena_url_part(u, 5), '&'), lambda kv: str_split(kv, '=')[1] = n),
    lambda kv: regexp_replace(kv, '^[^=]*=?', ''))[1], '+', ' '));
CREATE MACRO athena_md5(b) AS unhex(md5(b));
CREATE MACRO athena_sha1(b) AS unhex(sha1(b));
CREATE MACRO athena_sha256(b) AS unhex(sha256(b));
CREATE MACRO athena_json_extract(j, p) AS CASE WHEN json_valid(CAST(j AS VARCHAR)) THEN json_extract(j, p) END;
CREATE MACRO athena_json_extract_scalar(j, p) AS
  CASE WHEN NOT json_valid(CAST(j AS VARCHAR)) THEN NULL
       WHEN json_type(j, p) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(j, p) END;
CREATE MACRO athena_json_parse(s) AS
  CASE WHEN s IS NULL THEN NULL WHEN json_valid(s) THEN CAST(s AS JSON)
       ELSE athena_fail('INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: ''' || s || '''', s) END;
CREATE MACRO athena_json_format(j) AS CAST(j AS VARCHAR);
CREATE MACRO athena_json_array_length(j) AS CASE WHEN json_valid(CAST(j AS VARCHAR)) AND json_type(j) = 'ARRAY'
  THEN CAST(json_array_length(j) AS BIGINT) END;
CREATE MACRO athena_second(t) AS second(t);
CREATE MACRO athena_millisecond(t) AS millisecond(t) % 1000;
CREATE MACRO athena_from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMPTZ);
CREATE MACRO athena_from_iso8601_date(s) AS CAST(s AS DATE);
CREATE MACRO athena_now() AS date_trunc('millisecond', now());
CREATE MACRO athena_current_timezone() AS 'UTC';
CREATE MACRO athena_timestamp_text(t) AS strftime(t, '%Y-%m-%d %H:%M:%S.%g');
CREATE MACRO athena_instant_text(t) AS strftime(CAST(t AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g') || ' UTC';
CREATE MACRO athena_to_millis(t) AS make_timestamp(((epoch_us(t) + 500) // 1000) * 1000);
CREATE MACRO athena_array_distinct(a) AS list_filter(a, lambda x, i: list_position(a, x) = i);
CREATE MACRO athena_array_sort(a) AS list_sort(a, 'ASC', 'NULLS LAST');
CREATE MACRO athena_array_max(a) AS CASE WHEN len(list_filter(a, lambda x: x IS NULL)) = 0 THEN list_max(a) END;
CREATE MACRO athena_array_min(a) AS CASE WHEN len(list_filter(a, lambda x: x IS NULL)) = 0 THEN list_min(a) END;
CREATE MACRO athena_array_join(a, d) AS array_to_string(list_filter(a, lambda x: x IS NOT NULL), d),
  (a, d, n) AS array_to_string(list_transform(a, lambda x: coalesce(CAST(x AS VARCHAR), n)), d);
CREATE MACRO athena_array_position(a, x) AS
  CASE WHEN a IS NULL OR x IS NULL THEN NULL ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END;
CREATE MACRO athena_array_remove(a, y) AS list_filter(a, lambda x: x IS NULL OR x <> y);
CREATE MACRO athena_repeat(x, n) AS list_transform(range(n), lambda i: x);
CREATE MACRO athena_slice(a, s, n) AS CASE WHEN s > 0 THEN a[s:s + n - 1]
  WHEN s < 0 AND -s <= len(a) THEN a[len(a) + s + 1:len(a) + s + n] ELSE a[1:0] END;
CREATE MACRO athena_subscript(a, i) AS
  CASE WHEN i = 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1', a)
       WHEN i < 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i, a)
       WHEN i > len(a) THEN athena_fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: '
                                  || i || ' > ' || len(a), a)
       ELSE a[i] END;
CREATE MACRO athena_array_at(a, i) AS
  CASE WHEN i = 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1', a) ELSE a[i] END;
CREATE MACRO athena_map_at(m, k) AS map_extract_value(m, k);
CREATE MACRO athena_map_subscript(m, k) AS
  CASE WHEN m IS NULL OR k IS NULL THEN NULL WHEN list_contains(map_keys(m), k) THEN map_extract_value(m, k)
       ELSE athena_fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || k, m) END;
-- Typed functions under their first name, so that a query binds while typed.py works through it.
CREATE MACRO athena_typed_date_trunc(a, b) AS CASE WHEN a IS NULL AND b IS NULL THEN NULL END;
CREATE MACRO athena_typed_to_iso8601(a) AS CASE WHEN a IS NULL THEN NULL END;
CREATE MACRO athena_typed_typeof(a) AS CASE WHEN a IS NULL THEN NULL END;
CREATE MACRO athena_typed_cardinality(a) AS CASE WHEN a IS NULL THEN NULL END;
CREATE MACRO athena_typed_element_at(a, b) AS CASE WHEN a IS NULL AND b IS NULL THEN NULL END;
