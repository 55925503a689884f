import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./s3-server.ts', import.meta.url));

export interface ServerProcess {
  /** The entry of an auth file. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** How many requests of each operation there were since the last call. */
  counts(): Promise<Readonly<Record<string, number>>>;
  stop(): void;
}

/** Starts an S3 server that shares nothing with this process but the machine. */
export async function startServerProcess(): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const nextLine = () =>
    new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', () => reject(new Error('the S3 server has ended')));
    });
  const line = await nextLine();
  // The program's own line.
  const server = JSON.parse(line) as Readonly<
    Record<'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey', string>
  >;
  return {
    entry: {
      storage_type: 's3',
      info: {
        bucket: 'bench',
        base_path: 'exports',
        endpoint_url: server.endpoint,
        region: server.region,
        access_key_id: server.accessKeyId,
        secret_access_key: server.secretAccessKey,
      },
    },
    counts: async () => {
      const answer = nextLine();
      child.stdin.write('\n');
      // The program's own line.
      return JSON.parse(await answer) as Readonly<Record<string, number>>;
    },
    stop: () => child.kill(),
  };
}
