import { parentPort, workerData } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { DatabaseLog } from '../store/database-log.js';
import type { FromThread, StoreCall, ThreadSetup, ToThread } from './log-thread-protocol.js';

/** Entry of the thread that talks to the log database: turns messages into calls and back. */

const port = parentPort;
if (port === null) throw new Error('thread.js is started by the program itself, as a thread');

// Given by `ThreadedLog`, which starts this file and no other does.
const { target, callTimeoutMs } = workerData as ThreadSetup;
const store = new DatabaseLog(target, { callTimeoutMs });

port.on('message', ({ id, call, argument }: ToThread) => {
  void answer(id, call, argument).then((message) => {
    port.postMessage(message);
    if (call === 'close') port.close();
  });
});

async function answer(id: number, call: StoreCall, argument: unknown): Promise<FromThread> {
  try {
    // Call and argument come from one typed method of `ThreadedLog`, and so fit each other.
    const method = store[call].bind(store) as (argument: unknown) => Promise<unknown>;
    return { id, answer: await method(argument) };
  } catch (error) {
    return { id, error: LakeportError.from(error).toData() };
  }
}
