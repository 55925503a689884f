import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import { currentProcess, type ProcessIdentity } from '../../../../src/runtime/process-identity.js';
import { type LockObjects, DirectoryLocks } from '../../../../src/storage/lease/directory-locks.js';
import { DirectorySet } from '../../../../src/storage/lease/directory-set.js';
import { SILENCE_MS } from '../../../../src/storage/lease/lease-times.js';
import { failure } from '../../../harness/failure.js';

/** A base that several runs share, whose requests take their time and pass each other. */
class Board {
  readonly notes = new Map<string, { text: string; writtenAt: number; silentMs: number }>();
  readonly #slowness: number;
  #requests = 0;

  constructor(slowness = 0) {
    this.#slowness = slowness;
  }

  get requests(): number {
    return this.#requests;
  }

  async run(name: string, process?: Partial<ProcessIdentity>): Promise<DirectoryLocks> {
    const notes: LockObjects = {
      own: name,
      list: () =>
        this.#request(() =>
          Array.from(this.notes, ([note, { writtenAt, silentMs }]) => ({
            name: note,
            runId: note,
            writtenAt,
            silentMs,
          })),
        ),
      read: (note) => this.#request(() => bytesOf(this.notes.get(note)?.text)),
      write: (text) => this.#request(() => this.put(name, text)),
      append: (text, addition) => this.#request(() => this.put(name, text + addition)),
      remove: () => this.#request(() => void this.notes.delete(name)),
      revoke: (note) => this.#request(() => void this.notes.delete(note)),
    };
    return new DirectoryLocks({
      runId: name,
      process: { ...(await currentProcess()), ...process },
      notes,
      display: (path) => `base/${path}`,
    });
  }

  /** The clock is as coarse as that of object stores. */
  put(name: string, text: string, silentMs = 0): void {
    this.notes.set(name, { text, writtenAt: Math.floor(Date.now() / 1000), silentMs });
  }

  async #request<T>(effect: () => T): Promise<T> {
    this.#requests++;
    if (this.#slowness > 0) await sleep(Math.random() * this.#slowness);
    const answer = effect();
    if (this.#slowness > 0) await sleep(Math.random() * this.#slowness);
    return answer;
  }
}

function bytesOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

describe('claims', () => {
  it('of one run alone cost three requests, however many directories there are', async () => {
    const board = new Board();
    const claims = await board.run('a');
    await claims.take(Array.from({ length: 2000 }, (_, index) => `s/table_${index}`));
    expect(board.requests).toBe(3);
    await claims.giveBack();
    expect(board.notes.size).toBe(0);
    await claims.giveBack();
    expect(board.requests).toBe(4);
  });

  it('are refused where a living run has them, whose name, process and place the error tells', async () => {
    const board = new Board();
    await (await board.run('first')).take(['s/orders', 's/customers']);
    const second = await board.run('second');
    const error = await failure(second.take(['s/items', 's/customers']));
    expect(error).toMatchObject({ code: 'TARGET_IN_USE', exit: 'in-use', context: { path: 'base/s/customers' } });
    expect(error.message).toContain('Run first');
    expect(error.message).toContain(`process ${process.pid} on host`);
    expect([...board.notes.keys()]).toEqual(['first']);
    await second.take(['s/items']);
  });

  it('may be replaced by others of the same run', async () => {
    const board = new Board();
    const first = await board.run('first');
    await first.take(['s/orders']);
    await first.take(['s/items']);
    await (await board.run('second')).take(['s/orders']);
    await failure(first.take(['s/orders']));
  });

  it('of nothing write nothing', async () => {
    const board = new Board();
    await (await board.run('first')).take([]);
    expect(board.requests).toBe(0);
  });

  it.each([
    ['a process of this machine that is gone', { pid: 2 ** 22 + 1 }, 0, true],
    ['a process of another machine that was heard of', { host: 'elsewhere' }, SILENCE_MS - 1, false],
    ['a process of another machine that was silent for long', { host: 'elsewhere' }, SILENCE_MS + 1, true],
    ['a process of this machine, however silent', {}, SILENCE_MS + 1, false],
  ])('of %s', async (_, other, silentMs, isFree) => {
    const board = new Board();
    await (await board.run('other', other)).take(['s']);
    board.put('other', board.notes.get('other')!.text, silentMs);
    const attempt = (await board.run('own')).take(['s/t']);
    if (isFree) await attempt;
    else expect((await failure(attempt)).code).toBe('TARGET_IN_USE');
  });

  it('that nobody understands are of everything, as long as their run is heard of', async () => {
    const board = new Board();
    board.put('odd', 'later version');
    expect((await failure((await board.run('own')).take(['s/t']))).message).toMatch(/^Run odd is writing/);
    board.put('odd', 'later version', SILENCE_MS + 1);
    await (await board.run('own')).take(['s/t']);
  });

  it('at the same moment: one of all that want the same gets it', async () => {
    const rounds = Array.from({ length: 150 }, async (_, round) => {
      const board = new Board(1 + (round % 20));
      const outcomes = await Promise.all(
        Array.from({ length: 2 + (round % 4) }, async (__, index) => {
          const claims = await board.run(`run-${index}`);
          await sleep(Math.random() * 20);
          return claims.take(['s/t', `s/own_${index}`]).then(
            () => 'held',
            (error: unknown) => LakeportError.from(error).code,
          );
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'TARGET_IN_USE')).toHaveLength(outcomes.length - 1);
      expect(board.notes.size).toBe(1);
    });
    await Promise.all(rounds);
  });

  it('at the same moment in a chain: no two that overlap are held, and none is refused for one that was refused', async () => {
    const wanted = [['a', 'b'], ['b', 'c'], ['c', 'd'], ['d', 'e'], ['e/f'], ['a/x']];
    const rounds = Array.from({ length: 100 }, async (_, round) => {
      const board = new Board(1 + (round % 20));
      const held = await Promise.all(
        wanted.map(async (directories, index) => {
          const claims = await board.run(`run-${index}`);
          await sleep(Math.random() * 20);
          return claims.take(directories).then(
            () => true,
            () => false,
          );
        }),
      );
      const overlap = (a: number, b: number) => new DirectorySet(wanted[a]!).firstOverlap(wanted[b]!) !== undefined;
      for (const [index, has] of held.entries()) {
        const rivals = held.flatMap((other, at) => (other && at !== index && overlap(index, at) ? [at] : []));
        expect(rivals.length > 0).toBe(!has);
      }
    });
    await Promise.all(rounds);
  });
});
