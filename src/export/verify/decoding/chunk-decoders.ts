import type { Worker } from 'node:worker_threads';
import pLimit, { type LimitFunction } from 'p-limit';

import { LakeportError } from '../../../errors.js';
import { quietWorker } from '../../../runtime/quiet-worker.js';
import { checkChunk, type CheckedChunk, type ChunkTask } from './chunk-check.js';

/** Decodes column chunks in threads, or on the calling thread where starting them would take longer. */
export class ChunkDecoders {
  readonly threads: number;
  readonly #limit: LimitFunction;
  readonly #idle: Worker[] = [];
  readonly #workers = new Set<Worker>();

  /** @param threads 0 to decode on the calling thread */
  constructor(threads: number) {
    this.threads = threads;
    this.#limit = pLimit(Math.max(1, threads));
  }

  /**
   * Reads a chunk once a decoder has time for it, so that no more are in memory than there are decoders, and decodes it.
   * @throws LakeportError if a thread dies
   */
  check(read: () => Promise<ChunkTask>): Promise<CheckedChunk> {
    return this.#limit(async () => {
      const task = await read();
      return this.threads === 0 ? checkChunk(task) : this.#inThread(task);
    });
  }

  async close(): Promise<void> {
    this.#limit.clearQueue();
    await Promise.all(Array.from(this.#workers, (worker) => worker.terminate()));
  }

  async #inThread(task: ChunkTask): Promise<CheckedChunk> {
    const worker = this.#idle.pop() ?? this.#start();
    const checked = await new Promise<CheckedChunk>((resolve, reject) => {
      let cause: unknown;
      worker.once('error', (error) => (cause = error));
      const onExit = () => reject(decoderDied(cause));
      worker.once('exit', onExit);
      worker.once('message', (answer: CheckedChunk) => {
        worker.off('exit', onExit).removeAllListeners('error');
        resolve(answer);
      });
      // Its memory goes with it, where nothing else shares it.
      const { buffer } = task.bytes;
      const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === task.bytes.byteLength;
      worker.postMessage(task, isOwn ? [buffer] : []);
    });
    this.#idle.push(worker);
    return checked;
  }

  #start(): Worker {
    const worker = quietWorker(new URL('./decode-worker.js', import.meta.url), { name: 'lakeport-decoder' });
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
    return worker;
  }
}

function decoderDied(cause: unknown): LakeportError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new LakeportError({
    code: 'READER_DIED',
    message: `A thread that decodes pages ended unexpectedly${reason}`,
    hint: 'Run again with fewer threads (-p 1); if it happens again, please report it.',
    cause,
  });
}
