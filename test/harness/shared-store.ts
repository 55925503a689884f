import { readAuthFile } from '../../src/auth-file.js';
import { openStorage } from '../../src/stores.js';
import type { Storage } from '../../src/storage/storage.js';
import { writeAuthFile } from './cli.js';
import { CLI_STORES, type CliStore } from './cli-stores/index.js';
import { ScratchDirectory } from './scratch.js';
import { StorageProcess } from '../servers/storage-process.js';

/** A store that several runs write to, in this process and in others. */
export class SharedStore {
  readonly store: CliStore;
  readonly #scratch: ScratchDirectory;
  readonly #authFile: string;
  readonly #opened: Storage[] = [];
  readonly #processes: StorageProcess[] = [];

  private constructor(options: { store: CliStore; scratch: ScratchDirectory; authFile: string }) {
    this.store = options.store;
    this.#scratch = options.scratch;
    this.#authFile = options.authFile;
  }

  static async start(kind: CliStore['kind']): Promise<SharedStore> {
    const scratch = new ScratchDirectory();
    const store = await CLI_STORES[kind]();
    return new SharedStore({ store, scratch, authFile: await writeAuthFile(scratch.path, { lake: store.entry }) });
  }

  /** A storage of this process, with a started run if one is given. */
  async open(runId?: string): Promise<Storage> {
    const entry = (await readAuthFile(this.#authFile)).storage('lake');
    const storage = await openStorage({ kind: 'entry', entry });
    this.#opened.push(storage);
    await storage.prepare();
    if (runId !== undefined) await storage.beginRun({ runId, directory: '' });
    return storage;
  }

  /** A process with a started run. */
  async process(runId: string): Promise<StorageProcess> {
    const started = new StorageProcess(this.#authFile);
    this.#processes.push(started);
    await started.begin(runId);
    return started;
  }

  /** Stops what a test has started, and removes what it wrote. */
  async clear(): Promise<void> {
    this.store.proxy?.breakBy(() => undefined);
    await Promise.all(this.#processes.splice(0).map((one) => one.kill()));
    await Promise.all(this.#opened.splice(0).map((one) => one.close()));
    await this.store.clear();
  }

  async stop(): Promise<void> {
    await this.store.stop();
    this.#scratch.remove();
  }
}
