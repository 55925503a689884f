"""One table out of PostgreSQL into a Parquet file by DuckDB's own scanner: what `npm run bench` compares with.

Takes the server's URL, the table, the file and the codec. Without arguments it only says whether it could run. Needs
`pip install duckdb==1.4.4 duckdb-ext-postgres==1.4.4.20260205`: the extension comes from PyPI.
"""

import os
import sys

import duckdb
import duckdb_ext

extensions = os.path.join(list(duckdb_ext.__path__)[0], "extensions")
connection = duckdb.connect(config={"extension_directory": extensions, "threads": 2})
connection.execute("LOAD postgres_scanner")
if len(sys.argv) > 1:
    url, table, file, codec = sys.argv[1:5]
    connection.execute(f"ATTACH '{url}' AS source (TYPE postgres, READ_ONLY)")
    connection.execute(
        f"COPY (SELECT * FROM source.{table}) TO '{file}' (FORMAT parquet, COMPRESSION {codec}, ROW_GROUP_SIZE 1000000)"
    )
