"""Reads directories and files by readers of the Python world, each task by one, and prints their answers as JSON.

Argument: a JSON file with a list of tasks {id, reader, path, columns?}. A task's answer is {rows} or {error}.
"""

import json
import os
import sys
import tempfile


def spark_session():
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "600m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        # For a minute's work, what the better compiler, several collectors of garbage and 200 partitions cost is lost.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
        "spark.sql.shuffle.partitions": "1",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


sessions = []


def spark(path, columns):
    if not sessions:
        sessions.append(spark_session())
    frame = sessions[0].read.parquet(path)
    return [list(row) for row in frame.orderBy(frame.columns[0]).selectExpr(*(columns or ["*"])).collect()]


def spark_by_rows(path, columns):
    """By its other reader, which knows more encodings than the vectorized one."""
    if not sessions:
        sessions.append(spark_session())
    key = "spark.sql.parquet.enableVectorizedReader"
    sessions[0].conf.set(key, "false")
    try:
        return spark(path, columns)
    finally:
        sessions[0].conf.unset(key)


def spark_scanned(path, conditions):
    """For each condition, how many rows there are, and how many were read to find them."""
    if not sessions:
        sessions.append(spark_session())
    counts = []
    for condition in conditions:
        frame = sessions[0].read.parquet(path).filter(condition)
        plan = frame._jdf.queryExecution()
        found = plan.executedPlan().executeCollectPublic().__len__()
        counts.append([found, plan.executedPlan().collectLeaves().apply(0).metrics().apply("numOutputRows").value()])
    return counts


def pushed_down(path, columns):
    """columns: the reader. Filters of every column, pushed down and not."""
    import push_down

    if columns[0] != "spark":
        return getattr(push_down, columns[0])(path)
    if not sessions:
        sessions.append(spark_session())
    return push_down.spark(sessions[0], path)


def datafusion_scanned(path, conditions):
    """The same with row groups, by what is left after the Bloom filters."""
    import re

    import datafusion

    context = datafusion.SessionContext()
    context.register_parquet("t", path + "/")
    counts = []
    for condition in conditions:
        found = context.sql(f"SELECT * FROM t WHERE {condition}").count()
        told = str(context.sql(f"EXPLAIN ANALYZE SELECT * FROM t WHERE {condition}").to_pydict())
        counts.append([found, int(re.search(r"row_groups_pruned_bloom_filter=\d+ total . (\d+) matched", told)[1])])
    return counts


def clickhouse(path, columns):
    import chdb

    text = path.replace("\\", "\\\\").replace("'", "\\'")
    answer = chdb.query(f"SELECT {', '.join(columns or ['*'])} FROM file('{text}', Parquet)", "JSONCompactEachRow")
    return [json.loads(line) for line in str(answer).splitlines()]


def statements(path):
    """Those of a file, without comments. Its texts have no semicolon at the end of a line."""
    with open(path) as file:
        lines = [line for line in file.read().split("\n") if not line.startswith("-- ")]
    return [statement for statement in "\n".join(lines).split(";\n") if statement.strip()]


def spark_sql(path, queries):
    """Runs the statements of a file, and answers queries: the rows of each."""
    if not sessions:
        sessions.append(spark_session())
    for statement in statements(path):
        sessions[0].sql(statement)
    return [[list(row) for row in sessions[0].sql(query).collect()] for query in queries]


clickhouse_sessions = []


def clickhouse_sql(path, queries):
    from chdb import session

    if not clickhouse_sessions:
        clickhouse_sessions.append(session.Session())
    for statement in statements(path):
        clickhouse_sessions[0].query(statement)
    answers = [str(clickhouse_sessions[0].query(query, "JSONCompactEachRow")) for query in queries]
    return [[json.loads(line) for line in answer.splitlines()] for answer in answers]


def sqlglot(path, columns):
    """What a parser of that dialect takes the statements of a file for."""
    import logging

    import sqlglot

    logging.disable(logging.CRITICAL)
    with open(path) as file:
        text = file.read()
    parsed = sqlglot.parse(text, read=columns[0], error_level=sqlglot.ErrorLevel.RAISE)
    return [[type(one).__name__, [str(column.name) for column in one.find_all(sqlglot.exp.ColumnDef)]] for one in parsed if one is not None]


def spark_comments(path, _):
    """Names of the columns, types and comments."""
    if not sessions:
        sessions.append(spark_session())
    schema = sessions[0].read.parquet(path).schema
    return [[field.name, field.dataType.simpleString(), field.metadata.get("comment")] for field in schema]


def polars(path, _):
    import polars

    return [list(row) for row in polars.read_parquet(path).rows()]


def pyarrow(path, _):
    import pyarrow.dataset

    return table_rows(pyarrow.dataset.dataset(path, format="parquet").to_table())


def pyarrow_hive(path, columns):
    import pyarrow.dataset

    return table_rows(pyarrow.dataset.dataset(path, format="parquet", partitioning="hive").to_table(columns=columns))


def duckdb(path, columns):
    text = path.replace("'", "''")
    selected = ", ".join(columns or ["*"])
    return duckdb_rows(f"SELECT {selected} FROM read_parquet('{text}')")


def duckdb_by_ids(path, columns):
    """columns: the types of the fields 1, 2, 3, ..."""
    fields = ", ".join(
        f"{i + 1}: {{name: 'c{i + 1}', type: '{kind}', default_value: NULL}}" for i, kind in enumerate(columns)
    )
    query = f"SELECT * FROM read_parquet('{path}', schema = MAP {{{fields}}})"
    return duckdb_rows(query)


def duckdb_rows(query):
    import duckdb

    with duckdb.connect() as connection:
        return [list(row) for row in connection.execute(query).fetchall()]


def datafusion(path, _):
    import datafusion

    return table_rows(datafusion.SessionContext().read_parquet(path + "/").to_arrow_table())


def iceberg(path, _):
    """A new table with the file's schema, of which the file becomes a part as it is."""
    import pyarrow.parquet
    from pyiceberg.catalog.memory import InMemoryCatalog

    with tempfile.TemporaryDirectory() as warehouse:
        catalog = InMemoryCatalog("test", warehouse="file://" + warehouse)
        catalog.create_namespace("n")
        table = catalog.create_table("n.t", schema=pyarrow.parquet.read_schema(path))
        table.add_files(["file://" + path])
        return table_rows(table.scan().to_arrow())


def field_ids(path, _):
    """Names and ids of the columns and of their elements."""
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)

    def id_of(field):
        return int((field.metadata or {}).get(b"PARQUET:field_id", b"-1"))

    return [
        [field.name, id_of(field), *([id_of(field.type.value_field)] if hasattr(field.type, "value_field") else [])]
        for field in schema
    ]


def table_rows(table):
    columns = [column.to_pylist() for column in table.columns]
    return [list(row) for row in zip(*columns)]


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def answer(task):
    try:
        return {"rows": plain(globals()[task["reader"]](task["path"], task.get("columns")))}
    except BaseException as error:  # what native code panics with is no Exception
        # Java's causes come after a long trace.
        causes = [line for line in str(error).splitlines() if line.startswith("Caused by: ")]
        return {"error": "\n".join([f"{type(error).__name__}: {error}"[:2000], *causes])}


with open(sys.argv[1]) as file:
    tasks = json.load(file)
answers = {task["id"]: answer(task) for task in tasks}
for session in sessions:
    session.stop()
sys.stdout.write(json.dumps(answers))
sys.stdout.flush()
os._exit(0)
