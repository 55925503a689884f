import { parentPort, workerData } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { compactFiles } from './compact-files.js';
import type { CompactTask, FromCompactor } from './protocol.js';

/** Entry point of a thread that merges the files of one table. */

const PROGRESS_MS = 300;

const port = parentPort;
if (port === null) throw new Error('The compactor must run as a thread of lakeport');

const abort = new AbortController();
// The only message is `ToCompactor`.
port.on('message', () => abort.abort());
let reportedAt = performance.now();
const post = (message: FromCompactor) => port.postMessage(message);
// Given by whoever starts this file, and nobody else does.
void compactFiles(
  workerData as CompactTask,
  {
    onProgress: (rows) => {
      const now = performance.now();
      if (now - reportedAt < PROGRESS_MS) return;
      reportedAt = now;
      post({ type: 'progress', rows });
    },
    onStaged: (part) => post({ type: 'staged', part }),
  },
  abort.signal,
)
  .then(
    (outcome) => post({ type: 'done', outcome }),
    (error: unknown) => post({ type: 'failed', error: LakeportError.from(error).toData() }),
  )
  .finally(() => port.close());
