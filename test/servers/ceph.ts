import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { freePort } from '../../src/embedded-postgres/free-port.js';
import type { S3TestServer } from './s3-test-server.js';

/**
 * A Ceph cluster of one node with its S3 gateway, everything in memory: another real implementation of the API. From
 * Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common; needs root.
 */

const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool', 'ceph-authtool'];
const ACCESS_KEY = 'AKIATEST';
const SECRET_KEY = 'test-secret-key';
const READY_WITHIN_MS = 90_000;

const run = promisify(execFile);

/** Whether the gateway can be started here. */
export function hasCeph(): boolean {
  return process.getuid?.() === 0 && PROGRAMS.every((program) => existsSync(path.join('/usr/bin', program)));
}

export async function startCephGateway(): Promise<S3TestServer> {
  const home = await mkdtemp(path.join(tmpdir(), 'lakeport-ceph-'));
  const processes: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(processes.splice(0).reverse().map(end));
    await rm(home, { recursive: true, force: true });
  };
  try {
    const [v2, v1, port] = [await freePort(), await freePort(), await freePort()];
    const addresses = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`;
    const conf = await writeConfiguration(home, addresses, port);
    const ceph = (...args: string[]) => run('ceph', ['-c', conf, ...args], { timeout: 20_000 });
    const start = (program: string, ...args: string[]) => {
      const child = spawn(program, ['-c', conf, ...args, '-f'], { stdio: 'ignore', cwd: home });
      processes.push(child);
    };

    await makeMonitor(home, conf, addresses);
    start('ceph-mon', '-i', 'a');
    await until(() => ceph('-s'));
    await ceph('osd', 'create');
    const keyring = path.join(home, 'keyring');
    await run('ceph-authtool', [
      keyring,
      '--gen-key',
      '-n',
      'osd.0',
      '--cap',
      'mon',
      'allow profile osd',
      '--cap',
      'osd',
      'allow *',
    ]);
    await ceph('auth', 'import', '-i', keyring);
    await run('ceph-osd', ['--mkfs', '-i', '0', '-c', conf, '--osd-objectstore', 'memstore']);
    start('ceph-osd', '-i', '0');
    await until(async () => {
      const { stdout } = await ceph('osd', 'stat');
      if (!stdout.includes('1 up')) throw new Error(stdout);
    });
    start('radosgw', '-n', 'client.admin', '--keyring', keyring);
    const user = [
      'user',
      'create',
      '--uid=test',
      '--display-name=test',
      `--access-key=${ACCESS_KEY}`,
      `--secret-key=${SECRET_KEY}`,
    ];
    await run('radosgw-admin', ['-c', conf, ...user], { timeout: 60_000 });
    await until(() => reach(port));
    return {
      endpoint: `http://127.0.0.1:${port}`,
      port,
      region: 'us-east-1',
      accessKeyId: ACCESS_KEY,
      secretAccessKey: SECRET_KEY,
      stop,
    };
  } catch (error) {
    const log = await readFile(path.join(home, 'mon.a.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`Ceph did not start: ${String(error)}\n${log.slice(-2000)}`, { cause: error });
  }
}

async function writeConfiguration(home: string, addresses: string, port: number): Promise<string> {
  for (const directory of ['mon', 'osd', 'run']) await mkdir(path.join(home, directory));
  const lines = [
    '[global]',
    `keyring = ${home}/keyring`,
    'auth allow insecure global id reclaim = false',
    `fsid = ${randomUUID()}`,
    `mon host = ${addresses}`,
    'auth cluster required = cephx',
    'auth service required = cephx',
    'auth client required = cephx',
    'osd pool default size = 1',
    'osd pool default min size = 1',
    'mon allow pool size one = true',
    'osd pool default pg num = 8',
    'osd pool default pgp num = 8',
    'osd pool default pg autoscale mode = off',
    'osd crush chooseleaf type = 0',
    'osd objectstore = memstore',
    'memstore device bytes = 2147483648',
    `mon data = ${home}/mon`,
    `osd data = ${home}/osd`,
    `run dir = ${home}/run`,
    `admin socket = ${home}/run/$name.asok`,
    `log file = ${home}/$name.log`,
    `mon cluster log file = ${home}/cluster.log`,
    'mon pg warn min per osd = 0',
    'osd class load list = *',
    'ms bind ipv6 = false',
    'public addr = 127.0.0.1',
    `rgw frontends = beast endpoint=127.0.0.1:${port}`,
    'rgw enable usage log = false',
    `rgw data = ${home}`,
  ];
  const file = path.join(home, 'ceph.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function makeMonitor(home: string, conf: string, addresses: string): Promise<void> {
  const at = (name: string) => path.join(home, name);
  const fsid = /^fsid = (.*)$/m.exec(await readFile(conf, 'utf8'))?.[1] ?? '';
  const admin = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'];
  await run('monmaptool', ['--create', '--addv', 'a', addresses, '--fsid', fsid, at('monmap')]);
  await run('ceph-authtool', ['--create-keyring', at('keyring'), '--gen-key', '-n', 'client.admin', ...admin]);
  await run('ceph-authtool', [
    '--create-keyring',
    at('mon.keyring'),
    '--gen-key',
    '-n',
    'mon.',
    '--cap',
    'mon',
    'allow *',
  ]);
  await run('ceph-authtool', [at('mon.keyring'), '--import-keyring', at('keyring')]);
  await run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', at('monmap'), '--keyring', at('mon.keyring'), '-c', conf]);
}

async function until(attempt: () => Promise<unknown>): Promise<void> {
  const giveUpAt = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await sleep(200);
    }
  }
}

function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
