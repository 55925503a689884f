import { afterAll, beforeAll } from 'vitest';

import { TestFleet, type TestFleetOptions } from './fleet.js';
import { newerNode } from './newer-node.js';
import { saySkipped } from './skipped.js';
import { type PostgresOptions, type PostgresServer, startPostgres } from '../servers/postgres.js';

/** What tests of workers on other machines need: a later Node.js, and a server for source and log. */
export interface FleetSetup {
  /** Whether they can run here. */
  readonly isPossible: boolean;
  /** Started before the first test. */
  readonly server: PostgresServer;
  /** A source and a log of their own. */
  fleet(name: string, options?: FleetOptions): Promise<TestFleet>;
}

interface FleetOptions extends Omit<TestFleetOptions, 'name' | 'node'> {
  /** In place of that of the setup. */
  readonly server?: PostgresServer;
}

/** For the tests of one file. @param what they are about, to say that they are skipped */
export async function fleetSetup(what: string, options: PostgresOptions = {}): Promise<FleetSetup> {
  const found = await newerNode();
  if ('missing' in found) saySkipped(what, found.missing);
  let server: PostgresServer | undefined;
  const started = () => {
    if (server === undefined) throw new Error('The server is started before the first test, and where tests can run');
    return server;
  };
  beforeAll(async () => {
    if ('node' in found) {
      server = await startPostgres({ ...options, settings: { max_connections: 200, ...options.settings } });
    }
  });
  afterAll(() => server?.stop());
  return {
    isPossible: 'node' in found,
    get server() {
      return started();
    },
    fleet: (name, { server: other, ...more } = {}) => {
      if ('missing' in found) throw new Error(found.missing);
      return TestFleet.create(other ?? started(), { ...more, name, node: found.node });
    },
  };
}
