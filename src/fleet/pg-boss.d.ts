/**
 * What is used of pg-boss 12. Its own types are not there where it is not installed: npm leaves the optional package out on
 * versions of Node.js that are too old for it.
 */
declare module 'pg-boss' {
  import type { EventEmitter } from 'node:events';

  interface Database {
    executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  }

  interface Attempt {
    readonly id: string;
    readonly retryCount: number;
  }

  interface FetchedJob extends Attempt {
    readonly data: unknown;
  }

  /** `settled`: ids of the jobs that the call has changed. */
  interface CommandResponse {
    readonly affected: number;
    readonly settled?: string[] | null;
  }

  class PgBoss extends EventEmitter {
    constructor(options: {
      readonly db: Database;
      readonly schema: string;
      readonly schedule: boolean;
      readonly supervise: boolean;
      readonly migrate: boolean;
      readonly createSchema?: boolean;
      readonly superviseIntervalSeconds?: number;
      readonly monitorIntervalSeconds?: number;
      readonly reindex?: boolean;
      readonly monitorVacuum?: boolean;
      readonly registerInstance?: boolean;
      readonly openTelemetry?: { readonly enabled: boolean };
    });
    start(): Promise<this>;
    stop(options: { readonly close: boolean; readonly graceful: boolean }): Promise<void>;
    createQueue(
      name: string,
      options: {
        readonly heartbeatSeconds: number;
        readonly expireInSeconds: number;
        readonly retryLimit: number;
        readonly retentionSeconds: number;
        readonly deleteAfterSeconds: number;
      },
    ): Promise<void>;
    deleteQueue(name: string): Promise<void>;
    /** Takes jobs of this queue from workers that are not heard of, and removes old ones. */
    supervise(name: string): Promise<void>;
    insert(
      name: string,
      jobs: readonly { readonly id: string; readonly data: object; readonly retryLimit: number }[],
    ): Promise<string[] | null>;
    fetch(name: string, options: { readonly batchSize: number }): Promise<FetchedJob[]>;
    touch(name: string, attempts: readonly Attempt[]): Promise<CommandResponse>;
    complete(name: string, attempt: Attempt, output: object): Promise<CommandResponse>;
    cancel(name: string, ids: readonly string[]): Promise<CommandResponse>;
  }
}
