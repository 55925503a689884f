import { parentPort, workerData } from 'node:worker_threads';

import { SliceWorker, taskFailure } from './slice-worker.js';
import type { FromWorker, SliceTask, ToWorker, WorkerSetup } from './protocol.js';

/** Entry point of a worker thread: translates between messages and calls. */

/** Minimum interval between two progress messages. */
const PROGRESS_MS = 300;

const port = parentPort;
if (port === null) throw new Error('The worker entry must run as a thread of lakeport');

// Given by the worker pool, which starts this file and no other does.
const worker = new SliceWorker(workerData as WorkerSetup);
let current: { readonly id: number; readonly abort: AbortController } | undefined;

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'connect':
      void worker.connect(message.snapshot);
      break;
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
  let reportedAt = performance.now();
  try {
    const outcome = await worker.run(
      task,
      {
        onProgress: (progress) => {
          const now = performance.now();
          if (now - reportedAt < PROGRESS_MS) return;
          reportedAt = now;
          post({ type: 'progress', id, ...progress });
        },
        onStaged: ({ part }) => post({ type: 'staged', id, part }),
      },
      abort.signal,
    );
    post({ type: 'done', id, outcome });
  } catch (error) {
    post({ type: 'failed', id, failure: taskFailure(error) });
  } finally {
    current = undefined;
  }
}

function post(message: FromWorker): void {
  port?.postMessage(message);
}
