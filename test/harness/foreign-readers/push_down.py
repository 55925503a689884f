"""Filters that readers push down into files, beside the same filters over rows that are read already.

Each function reads a directory by one reader. For every column it compares, for the least, the greatest and a middle value
and for NULL, how many rows are found. Returns the number of comparisons, and those that differ as
[column, condition, pushed down, not pushed down].
"""

OPERATORS = ["=", "<=", ">="]


def picked(values):
    """The least, a middle and the greatest of distinct values in order."""
    return [values[i] for i in sorted({0, len(values) // 2, len(values) - 1})] if values else []


COLUMNS_OF_A_TYPE = 6


def compared(conditions, pushed, read):
    """conditions: of all columns, as [column, text, what the reader takes]."""
    found, expected = pushed(conditions), read(conditions)
    differing = [
        [column, text, a, b] for (column, text, _), a, b in zip(conditions, found, expected) if a != b
    ]
    return [[len(conditions), sum(expected)], *differing]


def pyarrow(path):
    import operator

    import pyarrow
    import pyarrow.compute as compute
    import pyarrow.dataset

    operators = dict(zip(OPERATORS, [operator.eq, operator.le, operator.ge]))
    dataset = pyarrow.dataset.dataset(path, format="parquet")
    table = dataset.to_table()
    # Their footers are read once.
    fragments = list(dataset.get_fragments())
    conditions = []
    for name in table.column_names:
        field = compute.field(name)
        conditions.append([name, "IS NULL", field.is_null()])
        column = table.column(name)
        if pyarrow.types.is_list(column.type):
            continue
        # No kernel compares extension types, such as uuid.
        if isinstance(column.type, pyarrow.BaseExtensionType):
            continue
        distinct = column.unique().drop_null()
        order = compute.sort_indices(distinct)
        for at, value in enumerate(picked(distinct.take(order))):
            # Python's types cannot hold every value, for its text.
            conditions += [[name, f"{text} value {at}", operators[text](field, value)] for text in OPERATORS]
    return compared(
        conditions,
        lambda all: [sum(one.count_rows(filter=condition) for one in fragments) for *_, condition in all],
        lambda all: [table.select([name]).filter(condition).num_rows for name, _, condition in all],
    )


def polars(path):
    import operator

    import polars

    operators = dict(zip(OPERATORS, [operator.eq, operator.le, operator.ge]))
    frame = polars.read_parquet(path)
    conditions = []
    for name, kind in frame.schema.items():
        column = polars.col(name)
        conditions.append([name, "IS NULL", column.is_null()])
        if isinstance(kind, polars.List):
            continue
        # What Python's types cannot hold is written as the numbers behind it.
        numbers = kind.is_temporal()
        values = frame.get_column(name).drop_nulls().unique().sort()
        for value in picked(values.to_physical().to_list() if numbers else values.to_list()):
            literal = polars.lit(value).cast(kind) if numbers else polars.lit(value, dtype=kind)
            conditions += [[name, f"{text} {value}", operators[text](column, literal)] for text in OPERATORS]
    count = polars.len()
    return compared(
        conditions,
        lambda all: [polars.scan_parquet(path).filter(one).select(count).collect().item() for *_, one in all],
        lambda all: [frame.select(name).filter(one).height for name, _, one in all],
    )


def duckdb(path):
    import duckdb

    source = "read_parquet('" + path.replace("'", "''") + "/*.parquet')"
    with duckdb.connect() as connection:

        def rows(query):
            return connection.execute(query).fetchall()

        # What has no text that it can be read from again goes by its number.
        numbers = {"TIMESTAMP WITH TIME ZONE": "make_timestamptz", "TIMESTAMP": "make_timestamp"}
        connection.execute("SET TimeZone = 'UTC'")
        conditions = []
        for name, kind, *_ in rows(f"DESCRIBE SELECT * FROM {source}"):
            quoted = '"' + name.replace('"', '""') + '"'
            conditions.append([name, "IS NULL", f"{quoted} IS NULL"])
            if kind.endswith("[]"):
                continue
            shown = f"epoch_us(v)" if kind in numbers else "v::VARCHAR"
            distinct = f"SELECT DISTINCT {quoted} AS v FROM {source} WHERE {quoted} IS NOT NULL"
            for (value,) in picked(rows(f"SELECT {shown} FROM ({distinct}) ORDER BY v")):
                literal = "'" + str(value).replace("'", "''") + "'"
                typed = f"{numbers[kind]}({value})" if kind in numbers else f"CAST({literal} AS {kind})"
                conditions += [[name, f"{text} {value}", f"{quoted} {text} {typed}"] for text in OPERATORS]

        def count(all):
            return [rows(f"SELECT count(*) FROM {source} WHERE {condition}")[0][0] for *_, condition in all]

        def read(all):
            connection.execute(f"CREATE TEMP TABLE held AS FROM {source}")
            return [rows(f"SELECT count(*) FROM held WHERE {condition}")[0][0] for *_, condition in all]

        return compared(conditions, count, read)


def spark(session, path):
    """Each filter is planned here, which takes long: one operator, many in a job, and one pass over the rows that are read."""
    import collections
    import functools

    # Not worth compiling.
    settings = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    for key, value in settings.items():
        session.conf.set(key, value)
    whole = session.read.parquet(path)
    # Columns of one type are alike to Spark, whatever they were in the source.
    of_kind = collections.Counter()
    fields = []
    for field in whole.schema:
        of_kind[field.dataType.simpleString()] += 1
        if of_kind[field.dataType.simpleString()] <= COLUMNS_OF_A_TYPE:
            fields.append(field)
    picks = [f"sort_array(collect_set(CAST({quoted(field.name)} AS STRING)))" for field in fields]
    conditions = []
    for field, distinct in zip(fields, whole.selectExpr(*picks).collect()[0]):
        name, kind = field.name, field.dataType.simpleString()
        conditions.append([name, "IS NULL", f"{quoted(name)} IS NULL"])
        if kind.startswith("array"):
            continue
        for value in picked(distinct):
            literal = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
            conditions.append([name, f"= {value}", f"{quoted(name)} = CAST({literal} AS {kind})"])

    def pushed(all):
        frames = {}
        for field in fields:
            # Of one column, so that a query is planned sooner.
            frames[field.name] = session.read.schema(type(whole.schema)([field])).parquet(path)
        counts = [0] * len(all)
        for start in range(0, len(all), 40):
            few = [
                frames[name].filter(condition).selectExpr(f"{start + i} AS at")
                for i, (name, _, condition) in enumerate(all[start : start + 40])
            ]
            for (at,) in functools.reduce(lambda a, b: a.union(b), few).collect():
                counts[at] += 1
        return counts

    def read(all):
        # An aggregate's conditions stay with it.
        return list(whole.selectExpr(*[f"count_if({condition})" for *_, condition in all]).collect()[0])

    try:
        return compared(conditions, pushed, read)
    finally:
        for key in settings:
            session.conf.unset(key)


def quoted(name):
    return "`" + name.replace("`", "``") + "`"
