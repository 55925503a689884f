import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { LakeportError, type ErrorData } from '../../src/errors.js';
import type { StagedState, StagedPart } from '../../src/storage/storage.js';
import { distModule } from '../harness/dist.js';

/** Answers each line of JSON, `[method, ...arguments]`, by one: `{ value }` or `{ error }`. */
const PROGRAM = `
  const [auth, program] = process.argv.slice(1);
  const { readAuthFile, openStorage, LakeportError } = await import(program);
  const { createInterface } = await import('node:readline');
  const storage = await openStorage({ kind: 'entry', entry: (await readAuthFile(auth)).storage('lake') });
  const methods = {
    stage: async (path, options, content) => {
      const writer = await storage.stage(path, options);
      await writer.write([Buffer.from(content, 'base64')]);
      return options.unfinished === true ? undefined : await writer.end();
    },
  };
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const [method, ...args] = JSON.parse(line);
    const call = methods[method] ?? storage[method].bind(storage);
    const answer = await call(...args).then(
      (value) => ({ value }),
      (error) => ({ error: LakeportError.from(error).toData() }),
    );
    console.log(JSON.stringify(answer));
  });
`;

/** A storage in a process of its own, the entry `lake` of an auth file, which can be killed at any moment. */
export class StorageProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #answers: AsyncIterator<string>;
  #errors = '';

  constructor(authFile: string) {
    const program = distModule('bundle/bundled.js');
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, authFile, program]);
    child.stderr.on('data', (data) => (this.#errors += String(data)));
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async begin(runId: string): Promise<void> {
    await this.#call('prepare');
    await this.#call('beginRun', { runId, directory: '' });
  }

  async claim(directories: readonly string[]): Promise<void> {
    await this.#call('claim', directories);
  }

  async stage(path: string, options: { runId: string; provisional?: boolean }, content: Buffer): Promise<StagedPart> {
    // What the program answers.
    return (await this.#call('stage', path, options, content.toString('base64'))) as StagedPart;
  }

  /** A part that is never ended. */
  async beginPart(path: string, options: { runId: string }, content: Buffer): Promise<void> {
    await this.#call('stage', path, { ...options, unfinished: true }, content.toString('base64'));
  }

  async publish(part: StagedPart, path: string): Promise<void> {
    await this.#call('publish', part, path);
  }

  async locate(part: StagedPart, path: string): Promise<StagedState> {
    return (await this.#call('locate', part, path)) as StagedState;
  }

  async endRun(): Promise<void> {
    await this.#call('endRun');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    this.#child.stdin!.write(`${JSON.stringify([method, ...args])}\n`);
    const line = await this.#answers.next();
    if (line.done === true) throw new Error(`the process has ended: ${this.#errors}`);
    // What the program answers.
    const { value, error } = JSON.parse(line.value) as { readonly value?: unknown; readonly error?: ErrorData };
    if (error !== undefined) throw LakeportError.fromData(error);
    return value;
  }
}
