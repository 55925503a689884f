import { parentPort, workerData } from 'node:worker_threads';

import { SliceWorker, taskFailure } from './slice-worker.js';
import type { FromThread, SliceTask, ToThread, ToWorker, WorkerSetup } from './protocol.js';

/** Entry point of a thread of workers: translates between messages and calls. */

/** Minimum interval between two progress messages. */
const PROGRESS_MS = 300;

const port = parentPort;
if (port === null) throw new Error('The worker entry must run as a thread of lakeport');

const workers = new Map<number, ThreadWorker>();

port.on('message', ({ worker: number, message }: ToThread) => {
  let worker = workers.get(number);
  if (worker === undefined) {
    worker = new ThreadWorker((answer) => post({ worker: number, message: answer }));
    workers.set(number, worker);
  }
  if (message.type === 'close') void worker.close().finally(() => leave(number));
  else worker.receive(message);
});

function leave(number: number): void {
  workers.delete(number);
  post({ worker: number, message: { type: 'closed' } });
  if (workers.size === 0) port?.close();
}

function post(message: FromThread): void {
  port?.postMessage(message);
}

class ThreadWorker {
  readonly #post: (message: FromThread['message']) => void;
  // Given by the worker pool, which starts this file and no other does.
  readonly #worker = new SliceWorker(workerData as WorkerSetup);
  #current: { readonly id: number; readonly abort: AbortController } | undefined;

  constructor(post: (message: FromThread['message']) => void) {
    this.#post = post;
  }

  receive(message: Exclude<ToWorker, { readonly type: 'close' }>): void {
    switch (message.type) {
      case 'connect':
        void this.#worker.connect(message.snapshot);
        break;
      case 'task':
        void this.#run(message.id, message.task);
        break;
      case 'cancel':
        if (this.#current?.id === message.id) this.#current.abort.abort();
        break;
    }
  }

  close(): Promise<void> {
    return this.#worker.close();
  }

  async #run(id: number, task: SliceTask): Promise<void> {
    const abort = new AbortController();
    this.#current = { id, abort };
    let reportedAt = performance.now();
    try {
      const outcome = await this.#worker.run(
        task,
        {
          onProgress: (progress) => {
            const now = performance.now();
            if (now - reportedAt < PROGRESS_MS) return;
            reportedAt = now;
            this.#post({ type: 'progress', id, ...progress });
          },
          onStaged: ({ part }) => this.#post({ type: 'staged', id, part }),
        },
        abort.signal,
      );
      this.#post({ type: 'done', id, outcome });
    } catch (error) {
      this.#post({ type: 'failed', id, failure: taskFailure(error) });
    } finally {
      this.#current = undefined;
    }
  }
}
