import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * A thread of which nothing gets to the process's own streams: stdout is for the result, and what libraries and Node.js
 * itself print in the thread goes where it goes in the main thread.
 */
export function quietWorker(entry: URL, options: WorkerOptions): Worker {
  const worker = new Worker(entry, { ...options, stdout: true, stderr: true });
  for (const stream of [worker.stdout, worker.stderr]) {
    // eslint-disable-next-line no-console -- the program takes over the console, and tells its log
    stream.setEncoding('utf8').on('data', (text: string) => console.error(text.trimEnd()));
  }
  return worker;
}
