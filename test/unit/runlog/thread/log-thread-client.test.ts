import { describe, expect, it } from 'vitest';

import { threadedLog } from '../../../../src/runlog/thread/log-thread-client.js';
import type { LogStore } from '../../../../src/runlog/store/log-store.js';
import type { RunLogTarget } from '../../../../src/runlog/target.js';
import { failure } from '../../../harness/failure.js';

const TARGET: RunLogTarget = { kind: 'database', id: 'log', engine: 'sqlite', info: { filepath: '/nonexistent' } };

/** A thread that runs the given source instead of the program's own. */
function threadOf(source: string, answerTimeoutMs?: number): LogStore {
  const entry = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  return threadedLog(TARGET, { entry, answerTimeoutMs });
}

const ANSWERING = `import { parentPort, workerData } from 'node:worker_threads';
  parentPort.on('message', ({ id, call, argument }) => {`;

describe('the thread of a run log', () => {
  it('receives the target, calls and arguments, and its answers are matched to their calls', async () => {
    const log = threadOf(`${ANSWERING}
      const answer = [workerData.target.info.filepath, call, argument];
      setTimeout(() => parentPort.postMessage({ id, answer }), call === 'open' ? 50 : 0);
    });`);
    const answers = await Promise.all([log.open({ mode: 'drop' }), log.readRun('r')]);
    expect(answers).toEqual([
      ['/nonexistent', 'open', { mode: 'drop' }],
      ['/nonexistent', 'readRun', 'r'],
    ]);
    await log.close();
  });

  it('returns errors with their code, exit class and hint', async () => {
    const log = threadOf(`${ANSWERING}
      parentPort.postMessage({ id, error: { code: 'RUN_LOG_FULL', exit: 'unreachable', message: 'm', hint: 'h' } });
    });`);
    const error = await failure(log.open({ mode: 'preserve' }));
    expect(error).toMatchObject({ code: 'RUN_LOG_FULL', exit: 'unreachable', message: 'm', hint: 'h' });
    await log.close();
  });

  it('fails its pending calls when it dies, and is replaced for the next one', async () => {
    const log = threadOf(`${ANSWERING}
      if (call === 'open') throw new Error('out of luck');
      parentPort.postMessage({ id, answer: 'well' });
    });`);
    const errors = await Promise.all([failure(log.open({ mode: 'preserve' })), failure(log.listRuns({ limit: 1 }))]);
    expect(errors.map(({ code, transient }) => [code, transient])).toEqual([
      ['RUN_LOG_FAILED', true],
      ['RUN_LOG_FAILED', true],
    ]);
    expect(errors[0].message).toContain('out of luck');
    expect(await log.readRun('r')).toBe('well');
    await log.close();
  });

  it('is abandoned if it does not answer, and closing does not wait for it', async () => {
    const log = threadOf(`${ANSWERING} if (call !== 'open') for (;;); });`, 300);
    expect(await failure(log.readRun('r'))).toMatchObject({ code: 'RUN_LOG_FAILED' });
    const before = performance.now();
    void log.readRun('r').catch(() => undefined);
    await log.close();
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('is not started for a log that is closed without being used', async () => {
    await threadOf('throw new Error()').close();
  });
});
