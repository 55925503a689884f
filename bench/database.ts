import { chownSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startCluster } from '../src/embedded-postgres/cluster.js';
import { LOCALHOST_CERTIFICATE, SERVER_KEY } from '../test/servers/certificates.js';

/** Password of the embedded server; it must stay the same for a data directory that is kept. */
const PASSWORD = 'bench';
const GIB = 1024 ** 3;

export interface BenchDatabase {
  readonly url: string;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** The given server, or an embedded one set so that reading needs no disk. */
export async function openDatabase(options: {
  readonly url?: string | undefined;
  readonly data?: string | undefined;
  readonly port?: number | undefined;
  /** Further settings of an embedded server. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Whether an embedded server offers TLS, which all clients then use. */
  readonly tls?: boolean | undefined;
}): Promise<BenchDatabase> {
  if (options.url !== undefined) return { url: options.url, pid: undefined, stop: () => Promise.resolve() };
  const cluster = await startCluster({
    password: PASSWORD,
    ...(options.data === undefined ? {} : { dataDirectory: options.data }),
    ...(options.port === undefined ? {} : { port: options.port }),
    settings: {
      // A table that takes more than a quarter of the buffers is read through a small ring of them.
      shared_buffers: `${Math.max(1, Math.floor((totalmem() / GIB) * 0.25))}GB`,
      max_wal_size: '8GB',
      wal_level: 'minimal',
      max_wal_senders: 0,
      autovacuum: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      ...options.settings,
    },
  });
  if (options.tls === true) await offerTls(cluster.url, cluster.directory);
  return cluster;
}

async function offerTls(url: string, directory: string): Promise<void> {
  const files = { ssl_cert_file: LOCALHOST_CERTIFICATE, ssl_key_file: SERVER_KEY };
  await inDatabase(url, async (client) => {
    for (const [setting, pem] of Object.entries(files)) {
      const file = path.join(directory, `${setting}.pem`);
      writeFileSync(file, pem, { mode: 0o600 });
      // As root, the server runs as the user `nobody`.
      if (process.getuid?.() === 0) chownSync(file, NOBODY, NOBODY);
      await client.query(`ALTER SYSTEM SET ${setting} = '${file}'`);
    }
    await client.query('ALTER SYSTEM SET ssl = on');
    await client.query('SELECT pg_reload_conf()');
  });
}

const NOBODY = 65534;

/** Whether clients get TLS, which all of them prefer unless the URL says otherwise. */
export async function usesTls(url: string): Promise<boolean> {
  if (['disable', 'allow'].includes(new URL(url).searchParams.get('sslmode') ?? 'prefer')) return false;
  return inDatabase(url, async (client) => {
    const { rows } = await client.query<{ ssl: string }>('SHOW ssl');
    return rows[0]?.ssl === 'on';
  });
}

async function inDatabase<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
