import { randomUUID } from 'node:crypto';

import { AuthFile } from '../../src/auth/auth-file.js';
import type { ExportRequest } from '../../src/export/export.js';
import type { ExportOptions } from '../../src/export/model/options.js';
import type { RunPlan } from '../../src/export/model/plan.js';
import type { RunResult } from '../../src/export/model/result.js';
import type * as Bundled from './bundled.js';
import { distModule } from './dist.js';
import { postgresInfo } from './postgres-source.js';
import type { PostgresServer } from '../servers/postgres.js';

/** Options of an export of everything, as the command line's defaults have them. */
export function exportOptions(directory: string, overrides: Partial<ExportOptions> = {}): ExportOptions {
  return {
    runId: randomUUID(),
    startedAt: new Date(),
    sourceId: 'ds_pg',
    databaseName: undefined,
    schemaPatterns: [],
    includePatterns: [],
    excludePatterns: [],
    optIns: [],
    minRows: undefined,
    maxRows: undefined,
    target: { directory },
    routes: [],
    subPath: '',
    jobs: 4,
    parallel: 'auto',
    largeTableThreshold: 100_000,
    manifest: 'inside',
    codec: 'Zstd',
    rowGroupRows: 1_000_000,
    maxRowsPerFile: undefined,
    unboundedNumeric: { as: 'text' },
    onUnrepresentable: 'error',
    consistency: 'run',
    errorAction: 'continue',
    lockTimeoutMs: 10_000,
    ...overrides,
  };
}

export type TestExport = Omit<ExportRequest, 'options' | 'auth'> & {
  readonly options: ExportOptions;
  readonly server: PostgresServer;
};

/** Exports in this process, by the built program: worker threads have no other. */
export async function exportTables(request: TestExport): Promise<RunResult> {
  return (await bundled()).runExport(withAuth(request));
}

/** Plans in this process. */
export async function planTables(request: TestExport): Promise<RunPlan> {
  return (await bundled()).planExport(withAuth(request));
}

/** The reason by which the command line aborts a run at a signal; of the built program's own class. */
export async function terminated(): Promise<Error> {
  const errors = await bundled();
  return new errors.LakeportError({ code: 'SIGTERM', message: 'Ended by SIGTERM' });
}

async function bundled() {
  return (await import(distModule('bundle/bundled.js'))) as typeof Bundled;
}

function withAuth({ server, ...request }: TestExport): ExportRequest {
  const info = postgresInfo(server, { database: request.options.databaseName ?? server.database });
  const entries = [{ kind: 'database', id: 'ds_pg', engine: 'postgres', info }] as const;
  return { ...request, auth: new AuthFile({ path: 'auth.json', warnings: [], entries }) };
}
