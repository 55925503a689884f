import { totalmem } from 'node:os';
import { startCluster } from '../src/embedded-postgres/cluster.js';

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
}): Promise<BenchDatabase> {
  if (options.url !== undefined) return { url: options.url, pid: undefined, stop: () => Promise.resolve() };
  return startCluster({
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
    },
  });
}
