import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { postgresVersions, startPostgres } from '../../servers/postgres.js';

test('two servers run side by side, survive a restart and leave nothing behind', async () => {
  const [first, second] = await Promise.all([startPostgres(), startPostgres({ settings: { max_connections: 20 } })]);
  expect(first.port).not.toBe(second.port);
  await first.query('CREATE TABLE kept AS SELECT 1 AS one');
  await first.restart();
  expect(await first.query('SELECT 2; SELECT one FROM kept')).toEqual([{ one: 1 }]);
  await first.restart({ standby: true });
  expect(await first.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: true }]);
  const client = await second.connect();
  await second.kill();
  await expect(client.query('SELECT 1')).rejects.toThrow();
  await first.stop();
  await first.stop();
  expect([first, second].filter((server) => existsSync(server.socketDirectory))).toEqual([]);
});

test.each(postgresVersions())('PostgreSQL %d starts from its own binaries', async (version) => {
  const server = await startPostgres({ version });
  const [row] = await server.query('SHOW server_version_num');
  expect(String(row!['server_version_num']).slice(0, 2)).toBe(String(version));
  await server.stop();
});
