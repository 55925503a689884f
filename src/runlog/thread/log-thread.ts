import { parentPort, workerData } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { databaseLog } from '../store/database-log.js';
import type { StoreCall } from '../store/log-store.js';
import type { FromThread, ThreadSetup, ToThread } from './log-thread-protocol.js';

/** Entry point of the thread that talks to the log database: turns messages into calls and answers into messages. */

const port = parentPort;
if (port === null) throw new Error('log-thread.js runs as a worker thread only');

// Set by `threadedLog`, which alone starts this file.
const { target, callTimeoutMs } = workerData as ThreadSetup;
const store = databaseLog(target, { callTimeoutMs });

port.on('message', ({ id, call, argument }: ToThread) => {
  void answer(id, call, argument).then((message) => {
    port.postMessage(message);
    if (call === 'close') port.close();
  });
});

async function answer(id: number, call: StoreCall, argument: unknown): Promise<FromThread> {
  try {
    // Call and argument come from one typed method of `threadedLog`, so they fit each other.
    const method = store[call].bind(store) as (argument: unknown) => Promise<unknown>;
    return { id, answer: await method(argument) };
  } catch (error) {
    return { id, error: LakeportError.from(error).toData() };
  }
}
