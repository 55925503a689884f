import { parentPort, workerData } from 'node:worker_threads';

import { SliceWorker, taskFailure } from './slice-worker.js';
import type { FromWorker, SliceTask, ToWorker, WorkerSetup } from './protocol.js';

/** Entry of a worker thread: turns messages into calls and back. */

/** Progress is told at most so often. */
const PROGRESS_MS = 300;

const port = parentPort;
if (port === null) throw new Error('worker.js is started by the program itself, as a thread');

// Given by the worker pool, which starts this file and no other does.
const worker = new SliceWorker(workerData as WorkerSetup);
let current: { readonly id: number; readonly abort: AbortController } | undefined;

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'task':
      void run(message.id, message.task);
      break;
    case 'cancel':
      if (current?.id === message.id) current.abort.abort();
      break;
    case 'close':
      void worker.close().finally(() => port.close());
      break;
  }
});

async function run(id: number, task: SliceTask): Promise<void> {
  const abort = new AbortController();
  current = { id, abort };
  let toldAt = performance.now();
  try {
    const outcome = await worker.run(
      task,
      {
        onProgress: (progress) => {
          const now = performance.now();
          if (now - toldAt < PROGRESS_MS) return;
          toldAt = now;
          tell({ type: 'progress', id, ...progress });
        },
        onStaged: ({ part }) => tell({ type: 'staged', id, part }),
      },
      abort.signal,
    );
    tell({ type: 'done', id, outcome });
  } catch (error) {
    tell({ type: 'failed', id, failure: taskFailure(error) });
  } finally {
    current = undefined;
  }
}

function tell(message: FromWorker): void {
  port?.postMessage(message);
}
