import { expect, it } from 'vitest';

import { fleetSetup } from '../../harness/fleet-setup.js';
/** A log that its owner creates, and whose users may create nothing. */

const setup = await fleetSetup('grants for workers on other machines');

/** As docs/operations/scale-out.md has them. */
const COORDINATOR_GRANTS = `
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, lakeport_queue TO coordinator;
  GRANT USAGE ON SCHEMA lakeport_queue TO coordinator;`;

it.runIf(setup.isPossible)(
  'a run needs no right to create anything once the owner has made log and queue',
  async () => {
    const fleet = await setup.fleet('grants');
    try {
      await setup.server.query("CREATE ROLE coordinator LOGIN PASSWORD 'secret'");
      await fleet.addTable('t1');
      await fleet.authorize('worker', { worker: true });
      const init = ['--init_db', '--workers', 'external', '--log_db_auth_id', 'log'];
      const made = await fleet.run(...init).result;
      expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('has been created') as string });
      const again = await fleet.run(...init).result;
      expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('already up to date') as string });

      await fleet.authorize('auth', { log: { username: 'coordinator' } });
      await fleet.log('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO coordinator');
      const refused = await fleet.coordinate().result;
      expect(refused).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('permission denied for schema lakeport_queue') as string,
      });
      expect(refused.stderr).toContain('--init-db --workers external');

      await fleet.log(COORDINATOR_GRANTS);
      await fleet.grantWorker();
      const run = fleet.coordinate('--resume_if_exists');
      const worker = fleet.work('w1', { auth: 'worker' });
      expect(await run.result).toMatchObject({ code: 0 });
      expect(await worker.result).toMatchObject({ code: 0 });
      expect(await fleet.wrongTables(['t1'])).toEqual([]);
      expect(await fleet.leftovers()).toEqual([]);
    } finally {
      await fleet.remove();
    }
  },
);
