import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { freePort } from '../../src/embedded-postgres/free-port.js';
import type { S3TestServer } from './s3-test-server.js';
import { pythonProgram, startServerProcess } from './server-process.js';

/** SeaweedFS with its S3 gateway, in one process: an implementation of the API that real clusters run. */

const PROGRAM = pythonProgram('weed');
const ACCESS_KEY = 'AKIATEST';
const SECRET_KEY = 'test-secret-key';

export const hasSeaweedFs = PROGRAM !== undefined;

export async function startSeaweedFs(): Promise<S3TestServer> {
  let port = 0;
  const { url, stop } = await startServerProcess(async (directory) => {
    const data = path.join(directory, 'data');
    await mkdir(data);
    port = await freePort();
    const ports: Record<string, number> = { 's3.port': port, 's3.port.iceberg': 0, 's3.port.lance': 0 };
    for (const part of ['master', 'volume', 'filer', 's3', 'admin']) {
      if (part !== 's3') ports[`${part}.port`] = await freePort();
      ports[`${part}.port.grpc`] = await freePort();
    }
    const filerSocket = path.join(directory, 'filer');
    const options = {
      dir: data,
      ip: '127.0.0.1',
      'ip.bind': '127.0.0.1',
      ...ports,
      'filer.localSocket': filerSocket,
      's3.localFilerSocket': filerSocket,
      's3.localSocket': path.join(directory, 's3'),
      // It would tell its makers that it runs.
      'master.telemetry': false,
      'master.volumeSizeLimitMB': 64,
      'admin.ui': false,
      webdav: false,
    };
    return {
      program: PROGRAM ?? 'weed',
      args: ['mini', ...Object.entries(options).map(([name, value]) => `-${name}=${String(value)}`)],
      env: { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY },
      url: `http://127.0.0.1:${port}`,
    };
  });
  return { endpoint: url, port, region: 'us-east-1', accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, stop };
}
