import type { LeaseClient } from '../object-client.js';
import { isDenied } from './denied.js';
import type { LockObject, LockObjects } from './directory-locks.js';
import { claimPath, OWN_DIRECTORY, ownObjects } from './own-paths.js';

const NOTHING = '{"directories":[]}\n';

/** Lock objects in the program's own directory. */
export class StoreLocks implements LockObjects {
  readonly own: string;
  readonly #client: LeaseClient;

  constructor(client: LeaseClient, run: { readonly runId: string; readonly holder: string }) {
    this.#client = client;
    this.own = claimPath(run.runId, run.holder);
  }

  async list(): Promise<LockObject[]> {
    const { objects, now } = await this.#client.list(OWN_DIRECTORY);
    const own = ownObjects(objects);
    const heard = new Map<string, number>();
    for (const { runId, modifiedAt } of own) heard.set(runId, Math.max(modifiedAt, heard.get(runId) ?? 0));
    return own
      .filter(({ kind }) => kind === 'claim')
      .map(({ path, runId, modifiedAt }) => ({
        name: path,
        runId,
        writtenAt: modifiedAt,
        silentMs: now - (heard.get(runId) ?? modifiedAt),
      }));
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return (await this.#client.read(name))?.content;
  }

  write(text: string): Promise<void> {
    return this.#client.put(this.own, Buffer.from(text));
  }

  append(text: string, addition: string): Promise<void> {
    return this.#client.append?.(this.own, addition) ?? this.write(text + addition);
  }

  remove(): Promise<void> {
    return this.revoke(this.own);
  }

  async revoke(name: string): Promise<void> {
    try {
      await this.#client.remove([name]);
    } catch (error) {
      if (this.#client.mayLackDeletion !== true || !isDenied(error)) throw error;
      // An empty claim has the same effect.
      await this.#client.put(name, Buffer.from(NOTHING));
    }
  }
}
