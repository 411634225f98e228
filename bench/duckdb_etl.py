"""The same work with DuckDB, to show what the machine can do: one process, no cluster, no crash safety."""

import duckdb


def run(raw_path: str, curated_path: str, memory: str, temporary: str) -> None:
    connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": temporary, "threads": 2})
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    connection.execute(
        f"""
        COPY (
          SELECT event_id, user_id, session_id, event_time, event_type, page_url, referrer_url, device_type, browser,
            regexp_replace(geo.ip, '\\.[0-9]+$', '.0') AS ip, geo.country AS country, geo.city AS city,
            product_id, product_name, product_category, product_price, quantity,
            CASE WHEN event_type = 'purchase' THEN product_price * quantity ELSE 0 END AS revenue,
            hour(event_time) AS hour, dayname(event_time) AS day_of_week, properties,
            anonymous_id, page_title, utm_source, utm_medium, utm_campaign, os,
            arrival.time AS ingested_at, now()::TIMESTAMP AS processed_at, event_time::DATE AS event_date
          FROM read_json('{raw_path}/**/*.jsonl.gz', format = 'newline_delimited', hive_partitioning = false,
            columns = {{
            event_id: 'VARCHAR', event_type: 'VARCHAR', event_time: 'TIMESTAMP', user_id: 'VARCHAR',
            session_id: 'VARCHAR', anonymous_id: 'VARCHAR', page_title: 'VARCHAR', utm_source: 'VARCHAR',
            utm_medium: 'VARCHAR', utm_campaign: 'VARCHAR', os: 'VARCHAR', page_url: 'VARCHAR',
            referrer_url: 'VARCHAR', device_type: 'VARCHAR',
            browser: 'VARCHAR', geo: 'STRUCT(ip VARCHAR, country VARCHAR, city VARCHAR)', product_id: 'VARCHAR',
            product_name: 'VARCHAR', product_category: 'VARCHAR', product_price: 'DOUBLE', quantity: 'INTEGER',
            properties: 'MAP(VARCHAR, VARCHAR)',
            arrival: 'STRUCT(time TIMESTAMP, shard_id VARCHAR, sequence_number VARCHAR, position INTEGER)'}})
          QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY arrival.time, arrival.shard_id,
            arrival.sequence_number, arrival.position) = 1
        ) TO '{curated_path}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (event_date), OVERWRITE)
        """
    )
