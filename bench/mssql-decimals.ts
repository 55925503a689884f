import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Connection, Request } from 'tedious';
import { createColumnBuffers } from '../src/columns/create.js';
import { mssql } from '../src/sources/mssql/index.js';
import { readColumns, readRequest, settingsOf } from '../test/support/tds/read-table.js';
import type { TdsServer } from '../test/support/tds/server.js';
import { FORMS, formColumns, type DecimalForm } from './mssql-forms.js';

/*
 * `npm run bench:mssql-decimals -- [--rows N]`: what it costs a client to have every digit of the four decimals of
 * `lineitem`, by the form that the query asks for. The driver's rows are thrown away, those of the reader go into columns.
 * Times are processor seconds of this process for a million rows; what a conversion costs the server comes on top.
 */

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(values.rows);
/** The first one compiles. The driver takes long. */
const [ROUNDS, DRIVER_ROUNDS] = [5, 2];

const child = fork(fileURLToPath(new URL('./mssql-server.ts', import.meta.url)), [String(rows)], {
  execArgv: ['--import', 'tsx'],
});
const [server] = (await once(child, 'message')) as [Pick<TdsServer, 'port' | 'user' | 'password'>];
try {
  const least = FORMS.map(() => ({ driver: Infinity, ours: Infinity }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, form] of FORMS.entries()) {
      const found = least[index] ?? { driver: Infinity, ours: Infinity };
      found.ours = Math.min(found.ours, await readerSeconds(form));
      if (round < DRIVER_ROUNDS) found.driver = Math.min(found.driver, await driverSeconds(form));
    }
  }
  for (const [index, { expression, isExact }] of FORMS.entries()) {
    const { driver, ours } = least[index] ?? { driver: NaN, ours: NaN };
    console.log(`| ${[expression.padEnd(26), isExact.padEnd(14), driver.toFixed(2), ours.toFixed(2)].join(' | ')} |`);
  }
} finally {
  child.kill();
}

function sqlOf({ name }: DecimalForm): string {
  return `SELECT ${name} FROM lineitem`;
}

async function driverSeconds(form: DecimalForm): Promise<number> {
  const connection = new Connection({
    server: '127.0.0.1',
    authentication: { type: 'default', options: { userName: server.user, password: server.password } },
    options: { port: server.port, encrypt: false, requestTimeout: 0, packetSize: 32_767 },
  });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  const before = process.cpuUsage();
  await new Promise<void>((resolve, reject) => {
    const request = new Request(sqlOf(form), (error) => {
      if (error) reject(error);
      else resolve();
    });
    request.on('row', () => undefined);
    connection.execSqlBatch(request);
  });
  connection.close();
  return secondsSince(before);
}

async function readerSeconds(form: DecimalForm): Promise<number> {
  const connection = settingsOf({ ...server, host: '127.0.0.1' } as TdsServer);
  const snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: '' } as const;
  const reader = await mssql.openReader({ engine: 'mssql', connection }, snapshot);
  const columns = readColumns(formColumns(form.type));
  const request = readRequest(columns);
  const buffers = createColumnBuffers(
    columns.map(({ spec }) => spec),
    { rowGroupRows: 1_000_000 },
  );
  const sink = {
    columns: buffers,
    room: 100_000,
    commit: () => {
      for (const buffer of buffers) buffer.clearPage();
      return undefined;
    },
  };
  const before = process.cpuUsage();
  const slice = { ...request.slice, query: sqlOf(form) };
  await reader.read({ ...request, slice }, sink, new AbortController().signal);
  const seconds = secondsSince(before);
  await reader.close();
  return seconds;
}

function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1e6 / rows) * 1_000_000;
}
