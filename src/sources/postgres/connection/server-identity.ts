import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

import { LakeportError } from '../../../errors.js';
import { displayAddress, isSocketDirectory, type PostgresSettings } from './settings.js';

/** When the server started, in UTC. */
export const STARTED_AT = `pg_catalog.to_char(
  pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()), 'YYYY-MM-DD HH24:MI:SS.US')`;

/** What no two servers share, whatever address leads to them. */
export const SERVER_IDENTITY = `pg_catalog.format('port %s, started %s', pg_catalog.current_setting('port'), ${STARTED_AT})`;

/** How often to connect anew where a name or a load balancer leads to several servers, and the wait in between. */
const ATTEMPTS = 10;
const WAIT_MS = 50;

/** `ServerInfo.instance`: the server, and who reads there. */
export function instanceOf(identity: string, user: string): string {
  return `${identity}, user ${user}`;
}

/** @throws LakeportError if it is another server than the one of this `ServerInfo.instance` */
export function requireInstance(identity: string, instance: string, settings: PostgresSettings): void {
  if (!instance.startsWith(instanceOf(identity, ''))) throw otherServer(identity, settings);
}

/** @throws LakeportError if it is another server than the expected one */
export function requireIdentity(identity: string | undefined, expected: string, settings: PostgresSettings): void {
  if (identity !== expected) throw otherServer(identity ?? 'unknown', settings);
}

/**
 * Explains why a snapshot cannot be used: the server that answers is another one. Ends the transaction.
 * @throws LakeportError if so; nothing else
 */
export async function explainByServer(
  client: Pick<pg.Client, 'query'>,
  expected: string,
  settings: PostgresSettings,
): Promise<void> {
  let identity: string | undefined;
  try {
    await client.query('ROLLBACK');
    const { rows } = await client.query<{ server: string }>(`SELECT ${SERVER_IDENTITY} AS "server"`);
    identity = rows[0]?.server;
  } catch {
    // The error at hand tells more than the one that has ended the connection meanwhile.
    return;
  }
  requireIdentity(identity, expected, settings);
}

export function isOtherServer(error: unknown): boolean {
  return error instanceof LakeportError && error.code === 'SOURCE_OTHER_SERVER';
}

/** Connects until the right server answers: in turn to each address of the name, or again to the only one. */
export async function connectToServer<T>(
  settings: PostgresSettings,
  connect: (settings: PostgresSettings) => Promise<T>,
): Promise<T> {
  let addresses: readonly string[] | undefined;
  for (let made = 1; ; made++) {
    const hostaddr = addresses?.[made % addresses.length] ?? settings.hostaddr;
    try {
      return await connect({ ...settings, hostaddr });
    } catch (error) {
      addresses ??= isOtherServer(error) ? await addressesOf(settings) : [];
      if (!isOtherServer(error) || made >= Math.max(ATTEMPTS, 2 * addresses.length)) throw error;
      await sleep(WAIT_MS);
    }
  }
}

/** None where there is no choice, or where the hosts of a connection string are tried in turn. */
async function addressesOf({ server, hostaddr, others = [] }: PostgresSettings): Promise<readonly string[]> {
  if (hostaddr !== undefined || others.length > 0 || isSocketDirectory(server)) return [];
  const found = await lookup(server, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

function otherServer(identity: string, settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'SOURCE_OTHER_SERVER',
    message: `${displayAddress(settings)} leads to another server than the one that holds the run's snapshot (${identity})`,
    hint: 'Give the entry the address of one server: a snapshot is of use on none but its own.',
    context: { entry: settings.entryId },
  });
}
