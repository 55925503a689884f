import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { openSource } from '../src/engines.js';
import { runCli, temporaryDirectory, writeAuthFile } from '../test/harness/cli.js';
import { childrenCpuSeconds } from './measured-process.js';

/*
 * `npm run bench:mssql -- [--rows N] [--readers 1,2] [--rounds N] [--no_driver] [--url mssql://user:password@host:port/database]`:
 * `dbo.lineitem` end to end into Parquet files, against what the driver alone reads of the same query and throws away. Each
 * contender has its turn in every round, and its fastest one counts. Processor time is that of the client: the driver's without
 * the start of Node.js, lakeport's with it. Without a URL the server is the test server, with
 * rows that are encoded beforehand.
 */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '6000000' },
    readers: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '3' },
    no_driver: { type: 'boolean', default: false },
    url: { type: 'string' },
  },
});

const DRIVER = 'the driver alone';

interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly stop: () => void;
}

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly note: string;
}

const target = values.url === undefined ? await startServer(Number(values.rows)) : parseUrl(values.url);
try {
  const info = {
    server: target.host,
    port: target.port,
    database: target.database,
    username: target.user,
    password: target.password,
    encrypt: values.url !== undefined,
    trust_server_certificate: true,
  };
  const query = await wholeQuery(target);
  console.log(query.length > 100 ? `${query.slice(0, 97)}...` : query);
  const contenders = new Map<string, () => Promise<Measured>>();
  if (!values.no_driver) contenders.set(DRIVER, () => driverAlone(target, query));
  for (const readers of values.readers.split(',')) {
    contenders.set(`lakeport -p ${readers}`, () => exportTable(info, readers));
  }
  const fastest = new Map<string, Measured>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, measure] of contenders) {
      const measured = await measure();
      if (measured.seconds < (fastest.get(name)?.seconds ?? Infinity)) fastest.set(name, measured);
    }
  }
  const alone = fastest.get(DRIVER);
  for (const [name, measured] of fastest) report(name, measured, name === DRIVER ? undefined : alone);
} finally {
  target.stop();
}

async function startServer(rows: number): Promise<Target> {
  const child = fork(fileURLToPath(new URL('./mssql-server.ts', import.meta.url)), [String(rows)], {
    execArgv: ['--import', 'tsx'],
  });
  const [server] = (await once(child, 'message')) as [{ port: number; user: string; password: string }];
  return { host: '127.0.0.1', database: 'shop', ...server, stop: () => void child.kill() };
}

function parseUrl(text: string): Target {
  const url = new URL(text);
  return {
    host: url.hostname,
    port: Number(url.port || 1433),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    stop: () => undefined,
  };
}

/** The query that one reader would run. */
async function wholeQuery({ host, port, user, password, database }: Target): Promise<string> {
  const source = await openSource({
    kind: 'database',
    id: 'bench',
    engine: 'mssql',
    info: {
      connectionString: undefined,
      server: host,
      instance: undefined,
      port,
      database,
      username: user,
      password,
      domain: undefined,
      encrypt: values.url !== undefined,
      trustServerCertificate: true,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: undefined,
    },
  });
  try {
    const table = (await source.listTables()).find(({ id }) => id.name === 'lineitem');
    if (table === undefined) throw new Error('there is no table lineitem');
    const [described] = await source.describe([table], {
      unboundedNumeric: { as: 'text' },
      onUnrepresentable: 'error',
    });
    if (described === undefined || 'error' in described) throw described?.error ?? new Error('not described');
    const [slice] = await source.slice(table, described.columns, { degree: 1, largeTableThreshold: 0 });
    return slice?.query ?? '';
  } finally {
    await source.close();
  }
}

async function driverAlone({ host, port, user, password, database }: Target, sql: string): Promise<Measured> {
  const config = {
    server: host,
    authentication: { type: 'default', options: { userName: user, password } },
    options: {
      port,
      database,
      encrypt: values.url !== undefined,
      trustServerCertificate: true,
      requestTimeout: 0,
      packetSize: 32_767,
    },
  };
  const script = fileURLToPath(new URL('./mssql-driver.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    script,
    JSON.stringify({ config, sql }),
  ]);
  const { rows, seconds, cpu } = JSON.parse(stdout) as { rows: number; seconds: number; cpu: number };
  return { rows, seconds, note: `${processorTime(cpu)}, without its start` };
}

async function exportTable(info: object, readers: string): Promise<Measured> {
  await using home = await temporaryDirectory();
  const auth = await writeAuthFile(home.path, { bench: { ds_type: 'mssql', auth_mode: 'classic', info } });
  const cpuBefore = childrenCpuSeconds();
  const { code, stdout, stderr, peakBytes } = await runCli(
    [
      '-a',
      auth,
      '--source_db_auth_id',
      'bench',
      '-i',
      'lineitem',
      '--output_dir',
      `${home.path}/out`,
      '-p',
      readers,
      '--json',
    ],
    { timeoutMs: 3_600_000, env: { XDG_STATE_HOME: home.path } },
  );
  if (code !== 0) throw new Error(stderr);
  const { seconds, totals } = JSON.parse(stdout) as { seconds: number; totals: { rows: number; bytes: number } };
  const cpuAfter = childrenCpuSeconds();
  const cpu = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  const sizes = `${(totals.bytes / 1e6).toFixed(0)} MB of Parquet, ${(peakBytes / 1e6).toFixed(0)} MB of memory`;
  return { rows: totals.rows, seconds, note: cpu === undefined ? sizes : `${processorTime(cpu)}, ${sizes}` };
}

function processorTime(seconds: number): string {
  return `${seconds.toFixed(2)} s of processor`;
}

function report(what: string, { rows, seconds, note }: Measured, alone: Measured | undefined): void {
  const rate = Math.round(rows / seconds).toLocaleString('en');
  const ratio = alone === undefined ? '' : `${(rows / seconds / (alone.rows / alone.seconds)).toFixed(2)} x the driver`;
  console.log(`${what.padEnd(18)} ${seconds.toFixed(2).padStart(7)} s ${rate.padStart(10)} rows/s  ${note}  ${ratio}`);
}
