import type { LockObject, LockObjects } from './directory-locks.js';
import { claimName, markerName, runOfClaim } from './private-names.js';
import type { PrivateObjects } from './private-objects.js';

/** Claims as objects of the hidden directory. */
export class PrivateLockObjects implements LockObjects {
  readonly own: string;
  readonly #objects: PrivateObjects;

  constructor(objects: PrivateObjects, run: { readonly runId: string; readonly holder: string }) {
    this.#objects = objects;
    this.own = claimName(run.runId, run.holder);
  }

  async list(): Promise<LockObject[]> {
    const { objects, now } = await this.#objects.list();
    const modified = new Map(objects.map(({ name, modifiedAt }) => [name, modifiedAt]));
    return objects.flatMap(({ name, modifiedAt }) => {
      const runId = runOfClaim(name);
      if (runId === undefined) return [];
      const heard = Math.max(modifiedAt, modified.get(markerName(runId)) ?? 0);
      return [{ name, runId, writtenAt: modifiedAt, silentMs: now - heard }];
    });
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#objects.get(name);
  }

  write(text: string): Promise<void> {
    return this.#objects.put(this.own, Buffer.from(text));
  }

  append(text: string, addition: string): Promise<void> {
    return this.write(text + addition);
  }

  remove(): Promise<void> {
    return this.revoke(this.own);
  }

  revoke(name: string): Promise<void> {
    return this.#objects.remove([name]);
  }
}
