import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

import { ScratchDirectory } from '../harness/scratch.js';

/** Azurite's own account; it takes others by AZURITE_ACCOUNTS. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface Azurite {
  readonly account: string;
  readonly key: string;
  readonly port: number;
  /** Without the account, which stands in the path. */
  readonly endpoint: string;
  readonly connectionString: string;
  stop(): Promise<void>;
}

/** Starts Microsoft's emulator of Blob Storage: in memory, on a port of its own. */
export async function startAzurite(options: { readonly args?: readonly string[] } = {}): Promise<Azurite> {
  const port = await freePort();
  const directory = new ScratchDirectory();
  const require = createRequire(import.meta.url);
  const program = path.join(path.dirname(require.resolve('azurite/package.json')), 'dist/src/blob/main.js');
  const flags = ['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const address = ['--blobHost', '127.0.0.1', '--blobPort', String(port)];
  const child = spawn(process.execPath, [program, ...address, ...flags, ...(options.args ?? [])], {
    cwd: directory.path,
    env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let output = '';
  const listening = new Promise<void>((resolve) => {
    const read = (text: Buffer) => {
      output += text.toString();
      if (/successfully listen/i.test(output)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
  });
  const died = exited.then((code) => Promise.reject(new Error(`Azurite ended with ${code ?? 'a signal'}: ${output}`)));
  await Promise.race([listening, died]);
  died.catch(() => undefined);
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    account: ACCOUNT,
    key: KEY,
    port,
    endpoint,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${endpoint}/${ACCOUNT};`,
    stop: async () => {
      process.off('exit', kill);
      child.kill('SIGTERM');
      await exited;
      directory.remove();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this form.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
