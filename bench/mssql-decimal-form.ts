import { Connection, Request } from 'tedious';
import { createColumnBuffers } from '../src/columns/column-buffers.js';
import { openMssqlReader } from '../src/sources/mssql/reader.js';
import { readColumns, readRequest, settingsOf } from '../test/servers/tds/read-table.js';
import type { TdsServer } from '../test/servers/tds/server.js';
import { FORMS, formColumns, type DecimalForm } from './mssql-forms.js';

/*
 * Started by `bench/mssql-decimals.ts`, once for each form of decimals, so that none profits from what was compiled for
 * another. Takes the server and the form's name as JSON, prints processor seconds as JSON.
 */

const { server, name } = JSON.parse(process.argv[2] ?? '') as {
  server: Pick<TdsServer, 'port' | 'user' | 'password'>;
  name: string;
};
/** The first ones compile. */
const ROUNDS = { driver: 2, ours: 6 };

const form = FORMS.find((one) => one.name === name);
if (form === undefined) throw new Error(`no form ${name}`);
const sql = `SELECT ${form.name} FROM lineitem`;
const ours = await least(ROUNDS.ours, () => readerSeconds(form));
const driver = await least(ROUNDS.driver, driverSeconds);
console.log(JSON.stringify({ driver, ours }));

async function driverSeconds(): Promise<number> {
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
    const request = new Request(sql, (error) => {
      if (error) reject(error);
      else resolve();
    });
    request.on('row', () => undefined);
    connection.execSqlBatch(request);
  });
  connection.close();
  return secondsSince(before);
}

async function readerSeconds({ type }: DecimalForm): Promise<number> {
  const connection = settingsOf({ ...server, host: '127.0.0.1' } as TdsServer);
  const snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: '' } as const;
  const reader = await openMssqlReader({ engine: 'mssql', connection }, snapshot);
  const columns = readColumns(formColumns(type));
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
  await reader.read({ ...request, slice: { ...request.slice, query: sql } }, sink, new AbortController().signal);
  const seconds = secondsSince(before);
  await reader.close();
  return seconds;
}

function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function least(rounds: number, measure: () => Promise<number>): Promise<number> {
  let found = Infinity;
  for (let round = 0; round < rounds; round++) found = Math.min(found, await measure());
  return found;
}
