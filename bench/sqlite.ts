import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DatabaseSync } from '@photostructure/sqlite';

/*
 * `npm run bench:sqlite -- [--rows N] [--runs N] [--data DIR] [--python PATH]`: a file of 8 columns, exported by lakeport
 * and by the shell's CSV piped into DuckDB, in turn. Both processes of the pipe run side by side. PATH is a Python with
 * the package duckdb (LAKEPORT_TEST_PYTHON by default); sqlite3 is taken from the PATH.
 */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    runs: { type: 'string', default: '3' },
    data: { type: 'string', default: '/tmp/lakeport-bench-sqlite' },
    python: { type: 'string', default: process.env['LAKEPORT_TEST_PYTHON'] ?? 'python3' },
  },
});

const rows = Number(values.rows);
mkdirSync(values.data, { recursive: true });
const file = path.join(values.data, `orders-${rows}.db`);
if (!existsSync(file)) makeFile();

function makeFile(): void {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, status TEXT NOT NULL, amount REAL NOT NULL,
      quantity INTEGER, ordered_at TEXT NOT NULL, note TEXT, discount REAL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO orders SELECT i, abs(random()) % 200000,
      CASE i % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'shipped' WHEN 2 THEN 'returned' ELSE 'paid' END,
      round((abs(random()) % 10000000) / 100.0, 2), i % 50, strftime('%Y-%m-%d %H:%M:%S', 1500000000 + i * 13, 'unixepoch'),
      CASE WHEN i % 10 = 0 THEN NULL ELSE 'note number ' || (abs(random()) % 1000000) END, (i % 11) / 100.0 FROM n`);
  database.close();
}

const AUTH = path.join(values.data, 'auth.json');
writeFileSync(AUTH, JSON.stringify({ lite: { ds_type: 'sqlite', info: { filepath: file } } }), { mode: 0o600 });

const COPY = `import duckdb; duckdb.sql("SET enable_progress_bar = false"); duckdb.sql("""copy (select * from read_csv('/dev/stdin',
  header = false, columns = {'id': 'BIGINT', 'customer_id': 'BIGINT', 'status': 'VARCHAR', 'amount': 'DOUBLE', 'quantity': 'BIGINT',
  'ordered_at': 'VARCHAR', 'note': 'VARCHAR', 'discount': 'DOUBLE'})) to '${path.join(values.data, 'duckdb.parquet')}'
  (format parquet, compression zstd)""")`;

const CONTENDERS: Readonly<Record<string, () => ReturnType<typeof spawnSync>>> = {
  'sqlite3 -csv | duckdb': () =>
    spawnSync('bash', [
      '-c',
      `set -o pipefail; sqlite3 -readonly -csv "$1" 'SELECT * FROM orders' | "$2" -c "$3"`,
      '-',
      file,
      values.python,
      COPY,
    ]),
  lakeport: () => {
    const out = path.join(values.data, 'out');
    rmSync(out, { recursive: true, force: true });
    const args = ['-a', AUTH, '--source-db-auth-id', 'lite', '--output-dir', out, '--compression-type', 'Zstd'];
    return spawnSync(process.execPath, ['bin/lakeport.js', ...args], {
      env: { ...process.env, XDG_STATE_HOME: values.data },
    });
  },
};

const seconds = new Map<string, number[]>(Object.keys(CONTENDERS).map((name) => [name, []]));
for (let run = 0; run < Number(values.runs); run++) {
  for (const [name, start] of Object.entries(CONTENDERS)) {
    const begun = performance.now();
    const { status, stderr } = start();
    if (status !== 0) throw new Error(`${name} failed: ${String(stderr)}`);
    seconds.get(name)?.push((performance.now() - begun) / 1000);
  }
}
const medians = new Map(
  [...seconds].map(([name, all]) => [name, [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN]),
);
for (const [name, median] of medians) {
  console.log(
    `${name.padEnd(24)} ${median.toFixed(1).padStart(6)} s  ${Math.round(rows / median)
      .toLocaleString('en')
      .padStart(10)} rows/s`,
  );
}
