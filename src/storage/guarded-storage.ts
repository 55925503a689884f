import type { PartWriter, StagedPart, StageOptions, Storage } from './storage.js';

/**
 * A storage that changes nothing that readers see before the claim of its run is proven. Staging and withdrawing go on:
 * they touch nothing but what is the run's own.
 * @param confirm throws `CLAIM_LOST`
 */
export function guarded(storage: Storage, confirm: () => Promise<void>): Storage {
  return {
    id: storage.id,
    kind: storage.kind,
    get capabilities() {
      return storage.capabilities;
    },
    display: (path) => storage.display(path),
    prepare: () => storage.prepare(),
    ...(storage.writerMemoryBytes === undefined
      ? {}
      : { writerMemoryBytes: (bytes?: number) => storage.writerMemoryBytes?.(bytes) ?? 0 }),
    stage: (path: string, options: StageOptions): Promise<PartWriter> => storage.stage(path, options),
    locate: (part: StagedPart, path: string) => storage.locate(part, path),
    withdraw: (part: StagedPart) => storage.withdraw(part),
    get: (path) => storage.get(path),
    list: (directory) => storage.list(directory),
    beginRun: (run) => storage.beginRun(run),
    claim: (directories) => storage.claim(directories),
    confirmClaim: () => storage.confirmClaim(),
    endRun: () => storage.endRun(),
    close: () => storage.close(),
    publish: async (part, path) => {
      await confirm();
      await storage.publish(part, path);
    },
    put: async (path, content) => {
      await confirm();
      await storage.put(path, content);
    },
    remove: async (paths) => {
      await confirm();
      await storage.remove(paths);
    },
    sweep: async () => {
      await confirm();
      return await storage.sweep();
    },
  };
}
