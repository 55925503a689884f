import { parentPort } from 'node:worker_threads';

import { checkChunk, type ChunkTask } from './chunk-check.js';

/** Entry point of a thread that decodes column chunks, one after the other. */

const port = parentPort;
if (port === null) throw new Error('The decoder must run as a thread of lakeport');
port.on('message', (task: ChunkTask) => port.postMessage(checkChunk(task)));
