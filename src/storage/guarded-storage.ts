import { LakeportError } from '../errors.js';
import type { PartWriter, StagedPart, StageOptions, Storage } from './storage.js';

/**
 * A storage that confirms the run's claim before it changes anything visible. Staging and discarding are exempt: they only
 * touch the run's own objects.
 * @param confirm throws `CLAIM_LOST`
 */
export function guarded(storage: Storage, confirm: () => Promise<void>): Storage {
  const guard = async <T>(change: () => Promise<T>): Promise<T> => {
    await confirm();
    try {
      return await change();
    } catch (error) {
      // A run that was suspended between the check and its request finds that others have published, or swept its parts.
      if (error instanceof LakeportError && !error.transient) await confirm();
      throw error;
    }
  };
  return {
    id: storage.id,
    kind: storage.kind,
    get capabilities() {
      return storage.capabilities;
    },
    display: (path) => storage.display(path),
    place: (path) => storage.place(path),
    prepare: () => storage.prepare(),
    ...(storage.writerMemoryBytes === undefined
      ? {}
      : { writerMemoryBytes: (bytes?: number) => storage.writerMemoryBytes?.(bytes) ?? 0 }),
    stage: (path: string, options: StageOptions): Promise<PartWriter> => storage.stage(path, options),
    locate: (part: StagedPart, path: string) => storage.locate(part, path),
    discard: (part: StagedPart) => storage.discard(part),
    get: (path, range) => storage.get(path, range),
    find: (path) => storage.find(path),
    read: (path) => storage.read(path),
    ...(storage.persist === undefined
      ? {}
      : { persist: (directories: readonly string[]) => storage.persist?.(directories) ?? Promise.resolve() }),
    list: (directory) => storage.list(directory),
    beginRun: (run) => storage.beginRun(run),
    claim: (directories) => storage.claim(directories),
    confirmClaim: () => storage.confirmClaim(),
    endRun: () => storage.endRun(),
    close: () => storage.close(),
    publish: (part, path, options) => guard(() => storage.publish(part, path, { ...options, confirm })),
    put: (path, content, options) => guard(() => storage.put(path, content, options)),
    remove: (paths, options) => guard(() => storage.remove(paths, options)),
    sweep: (options) => guard(() => storage.sweep(options)),
  };
}
