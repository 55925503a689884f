import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * A thread that never writes to the process's own streams: stdout is for results, and output of libraries and Node.js
 * in the thread goes where it goes in the main thread.
 */
export function quietWorker(entry: URL, options: WorkerOptions): Worker {
  const worker = new Worker(entry, { ...options, stdout: true, stderr: true });
  for (const stream of [worker.stdout, worker.stderr]) {
    // eslint-disable-next-line no-console -- the program redirects the console to its event log
    stream.setEncoding('utf8').on('data', (text: string) => console.error(text.trimEnd()));
  }
  return worker;
}
