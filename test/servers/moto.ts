import { freePort } from '../../src/embedded-postgres/free-port.js';
import type { S3TestServer } from './s3-test-server.js';
import { pythonProgram, startServerProcess } from './server-process.js';

/** moto's imitation of S3, which many test against. It keeps all in memory and takes any credentials. */

const PROGRAM = pythonProgram('moto_server');

export const hasMoto = PROGRAM !== undefined;

export async function startMoto(): Promise<S3TestServer> {
  let port = 0;
  const { url, stop } = await startServerProcess(async () => {
    port = await freePort();
    return {
      program: PROGRAM ?? 'moto_server',
      args: ['-H', '127.0.0.1', '-p', String(port)],
      url: `http://127.0.0.1:${port}`,
    };
  });
  return {
    endpoint: url,
    port,
    region: 'us-east-1',
    accessKeyId: 'AKIATEST',
    secretAccessKey: 'test-secret-key',
    stop,
  };
}
