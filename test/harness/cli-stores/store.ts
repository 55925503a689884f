import type { FaultProxy } from '../../servers/fault-proxy.js';

/** A store of its own for exports by the command line, read back by its official client. */
export interface CliStore {
  readonly kind: 'local' | 's3' | 'gcs' | 'azure';
  /** For the auth file. Leads through the proxy. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** As plans and messages show the base. */
  readonly shownBase: string;
  /** In front of the server; undefined where there is none. */
  readonly proxy: FaultProxy | undefined;
  /** Every published object by its path below the base, sorted. */
  objects(): Promise<Map<string, Buffer>>;
  /** Uploads that are not completed, staged parts and notes of runs. */
  leftovers(): Promise<string[]>;
  /** True for a request that carries bytes of a part. */
  carriesPart(request: { readonly method: string; readonly url: string }): boolean;
  /** True for a request that makes a large part visible. */
  publishesPart(request: { readonly method: string; readonly url: string }): boolean;
  /** True for a request that removes objects. */
  deletes(request: { readonly method: string; readonly url: string }): boolean;
  /** What this store answers where a permission is missing. */
  readonly denial: {
    readonly status: number;
    readonly body: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Takes away all that was written. */
  clear(): Promise<void>;
  /** Takes the bucket itself away. There is no way back. */
  drop(): Promise<void>;
  stop(): Promise<void>;
}

/** Base of all stores' entries but the local one. */
export const BASE_PATH = 'base/exports';

export function sorted(objects: Iterable<readonly [string, Buffer]>): Map<string, Buffer> {
  return new Map([...objects].sort(([a], [b]) => (a < b ? -1 : 1)));
}
