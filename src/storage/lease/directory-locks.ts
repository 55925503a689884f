import { setTimeout as sleep } from 'node:timers/promises';

import { LakeportError } from '../../errors.js';
import { displayProcess, isProcessIdentity, type ProcessIdentity, stateOf } from '../../runtime/process-identity.js';
import { DirectorySet } from './directory-set.js';
import { displayAge, SILENCE_MS } from './lease-times.js';
import { runIsActive } from './run-is-active.js';
import type { FindPublisher } from '../storage.js';

/**
 * Agreement on which run may write to which directories of a base, by lock objects in the base itself, one per run. There
 * is no server to ask, and some stores lack conditional writes, so the protocol only relies on listings that show what was
 * written before:
 *
 * A run writes its complete request, and then looks at the others. If no live run overlaps, it records that it holds its
 * claim. Of two runs that request the same directory at the same time, at least one sees the other; neither continues
 * before the other has decided: the one that wrote first waits, the other withdraws, and asks again once the first one
 * holds its claim or is gone.
 */

/** How long another run may take to decide, before it is assumed to hold what it requests. */
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 150;

const HELD = 'held\n';

/** A lock object as a listing of the base shows it. */
export interface LockObject {
  readonly name: string;
  readonly runId: string;
  /** By the store's clock, in milliseconds since 1970. */
  readonly writtenAt: number;
  /** Time since its run's last sign of life, by the store's clock. */
  readonly silentMs: number;
}

/** The lock objects in a base. */
export interface LockObjects {
  /** Name of this process's own object. */
  readonly own: string;
  /** Including the own one. */
  list(): Promise<readonly LockObject[]>;
  /** Undefined if it no longer exists. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes the own object atomically. */
  write(text: string): Promise<void>;
  /** Appends to the own object, which contains `text`; it never disappears from listings. */
  append(text: string, addition: string): Promise<void>;
  /** Removes the own object. */
  remove(): Promise<void>;
  /** Removes the object of a dead run, so that the run, if it is alive after all, learns that its claim is gone. */
  revoke(name: string): Promise<void>;
}

export interface DirectoryLocksOptions {
  readonly runId: string;
  readonly process: ProcessIdentity;
  readonly notes: LockObjects;
  readonly ignoresCase?: boolean | undefined;
  /** For messages. */
  readonly display: (directory: string) => string;
  readonly findPublisher?: FindPublisher | undefined;
}

/** Another run's claim on something that this one requests. */
interface Rival {
  readonly note: LockObject;
  readonly process: ProcessIdentity | undefined;
  readonly isHeld: boolean;
  readonly directory: string;
}

type LivingRival = Rival & {
  /** This machine knows that its process is running; of others only the time since their last heartbeat is known. */
  readonly isSeen: boolean;
};

/** The run that holds this run's directories now. */
interface Successor {
  readonly runId: string;
  readonly process?: ProcessIdentity | undefined;
  readonly directory: string;
}

/** One run's claims in a base. */
export class DirectoryLocks {
  readonly #options: DirectoryLocksOptions;
  #wanted: readonly string[] = [];
  #isWritten = false;
  #isOvertaken = false;
  /** The claimed directories, and the text of the lock object. */
  #held: { readonly directories: DirectorySet; readonly text: string } | undefined;

  constructor(options: DirectoryLocksOptions) {
    this.#options = options;
  }

  /**
   * Claims directories (relative to the base) and everything below them, and gives up earlier claims.
   * @throws LakeportError `TARGET_IN_USE`, class `in-use`, if a live run has claimed one of them, or `RUN_IS_ACTIVE` if that is
   * another process of this run; nothing is claimed then
   */
  async take(directories: readonly string[]): Promise<void> {
    await this.giveBack();
    this.#wanted = directories;
    if (directories.length === 0) return;
    const { runId, process, ignoresCase } = this.#options;
    const wanted = new DirectorySet(directories, { ignoresCase });
    const text = `${JSON.stringify({ runId, process, directories })}\n`;
    try {
      await this.#agree(wanted, text);
    } catch (error) {
      // The original error matters; an object that remains goes away with the run.
      await this.giveBack().catch(() => undefined);
      throw error;
    }
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Whether another process continues this very run, having taken it over at the same moment. */
  get isOvertaken(): boolean {
    return this.#isOvertaken;
  }

  /**
   * Checks in the base that the claim is still this run's.
   * @param silentMs time since this run's last heartbeat
   * @throws LakeportError `CLAIM_LOST` if another run has assumed this one dead and claimed its directories
   */
  async confirm(silentMs: number): Promise<void> {
    const held = this.#held;
    if (held === undefined) return;
    const { notes } = this.#options;
    const [all, content] = await Promise.all([notes.list(), notes.read(notes.own)]);
    // Released while the request was in progress.
    if (this.#held !== held) return;
    const own = all.find(({ name }) => name === notes.own);
    const successor = await this.#successor(all, { own, held: held.directories });
    const isThere = content !== undefined && Buffer.from(content).toString('utf8') === held.text + HELD;
    if (isThere && successor === undefined) return;
    throw this.#lost(successor ?? (await this.#publisher()), silentMs);
  }

  /** Releases the claim, if there is one. */
  async giveBack(): Promise<void> {
    this.#held = undefined;
    if (!this.#isWritten) return;
    await this.#options.notes.remove();
    this.#isWritten = false;
  }

  async #agree(wanted: DirectorySet, text: string): Promise<void> {
    const { notes } = this.#options;
    const deadline = Date.now() + PATIENCE_MS;
    let withdrawn = false;
    for (;;) {
      if (!withdrawn && !this.#isWritten) {
        // It may have been written although the request failed.
        this.#isWritten = true;
        await notes.write(text);
      }
      const { own, rivals, dead } = await this.#look(wanted);
      const winner = rivals.find((rival) => rival.isHeld || Date.now() > deadline);
      if (winner !== undefined) throw this.#inUse(winner);
      if (rivals.length === 0 && this.#isWritten) {
        await notes.append(text, HELD);
        this.#held = { directories: wanted, text };
        await Promise.all(dead.map((name) => this.#revoke(name)));
        return;
      }
      if (this.#isWritten && rivals.some(({ note }) => isBefore(note, own))) await this.giveBack();
      withdrawn = rivals.length > 0 && !this.#isWritten;
      // A random delay keeps runs from asking at the same moment again.
      if (rivals.length > 0) await sleep(LOOK_AGAIN_MS * (0.5 + Math.random()));
    }
  }

  /** Other runs' overlapping claims. Reads nothing if there are no others. */
  async #look(wanted: DirectorySet): Promise<{ own: LockObject | undefined; rivals: LivingRival[]; dead: string[] }> {
    const { notes } = this.#options;
    const all = await notes.list();
    const others = await Promise.all(
      all.filter(({ name }) => name !== notes.own).map((note) => this.#rival(note, wanted)),
    );
    const overlapping = others.filter((rival) => rival !== undefined);
    const rivals: LivingRival[] = [];
    const dead: string[] = [];
    for (const rival of overlapping) {
      const state = rival.process === undefined ? 'unknown' : await stateOf(rival.process);
      const isSilent = state === 'unknown' && rival.note.silentMs > SILENCE_MS;
      if (state === 'dead' || isSilent) dead.push(rival.note.name);
      else rivals.push({ ...rival, isSeen: state === 'alive' });
    }
    return { own: all.find(({ name }) => name === notes.own), rivals, dead };
  }

  async #rival(note: LockObject, wanted: DirectorySet): Promise<Rival | undefined> {
    const content = await this.#options.notes.read(note.name);
    if (content === undefined) return undefined;
    const { process, directories, isHeld } = parse(content);
    const directory = wanted.firstOverlap(directories);
    return directory === undefined ? undefined : { note, process, isHeld, directory };
  }

  /** Who has claimed the same after this run, which only happens if it was assumed dead. */
  async #successor(
    all: readonly LockObject[],
    { own, held }: { readonly own: LockObject | undefined; readonly held: DirectorySet },
  ): Promise<Successor | undefined> {
    const later = all.filter(
      (note) => note.name !== this.#options.notes.own && (own === undefined || isBefore(own, note)),
    );
    const rivals = await Promise.all(later.map((note) => this.#rival(note, held)));
    const found = rivals.find((rival) => rival?.isHeld === true);
    return found && { runId: found.note.runId, process: found.process, directory: found.directory };
  }

  /** The run that took over may have ended and released its claim: then its publications reveal it. */
  async #publisher(): Promise<Successor | undefined> {
    return await this.#options.findPublisher?.(this.#wanted).catch(() => undefined);
  }

  /** If this user may not remove it, the later claim tells the other run, as long as this one is alive. */
  async #revoke(name: string): Promise<void> {
    await this.#options.notes.revoke(name).catch(() => undefined);
  }

  #lost(successor: Successor | undefined, silentMs: number): LakeportError {
    const { runId, display } = this.#options;
    const silent = `had no heartbeat for ${displayAge(silentMs)}`;
    const context = successor === undefined ? {} : { path: display(successor.directory) };
    const shared = { code: 'CLAIM_LOST', context } as const;
    if (successor?.runId === runId) {
      this.#isOvertaken = true;
      const by = successor.process === undefined ? 'another process' : displayProcess(successor.process);
      return new LakeportError({
        ...shared,
        message: `This run ${silent}, and was resumed by ${by}`,
        hint: 'That process will finish the run.',
      });
    }
    const by = successor === undefined ? 'Another run' : `Run ${successor.runId}${where(successor.process)}`;
    const what = successor === undefined ? 'its destination' : display(successor.directory);
    return new LakeportError({
      ...shared,
      message: `${by} took over ${what} after this run ${silent}; nothing more was published`,
      hint: 'What the other run publishes is newer and is kept. Start a new run instead of resuming this one.',
    });
  }

  #inUse({ note, process, directory, isSeen }: LivingRival): LakeportError {
    if (note.runId === this.#options.runId) {
      this.#isOvertaken = true;
      return runIsActive(note.runId, { process, marker: note.name });
    }
    const shown = this.#options.display(directory);
    return new LakeportError({
      code: 'TARGET_IN_USE',
      message: `Run ${note.runId}${where(process)} is writing to ${shown}; its last heartbeat was ${displayAge(note.silentMs)} ago`,
      hint: `Wait until it has finished, or export to another directory, for example with --sub-path {run_id}.${isSeen ? '' : takeover(note.silentMs)}`,
      context: { path: shown },
    });
  }
}

function where(process: ProcessIdentity | undefined): string {
  return process === undefined ? '' : ` (${displayProcess(process)})`;
}

/** When a run on another machine that has no more heartbeats may be taken over. */
function takeover(silentMs: number): string {
  const left = displayAge(Math.max(SILENCE_MS - silentMs, 1000));
  return ` If it has died, this destination becomes free after ${displayAge(SILENCE_MS)} without a heartbeat: in ${left} at the earliest.`;
}

/** An order that everyone who sees the lock objects agrees on. */
function isBefore(note: LockObject, own: LockObject | undefined): boolean {
  if (own === undefined || note.writtenAt !== own.writtenAt) return note.writtenAt < (own?.writtenAt ?? Infinity);
  return note.name < own.name;
}

interface Claim {
  readonly process: ProcessIdentity | undefined;
  readonly directories: readonly string[];
  readonly isHeld: boolean;
}

/** An unreadable lock object, such as a later version's, claims everything as long as its run has heartbeats. */
function parse(content: Uint8Array): Claim {
  const text = Buffer.from(content).toString('utf8');
  const end = text.indexOf('\n') + 1;
  const isHeld = text.endsWith(`\n${HELD}`);
  try {
    const claim: unknown = JSON.parse(text.slice(0, end));
    if (isClaim(claim)) {
      const { process, directories } = claim;
      return { process: isProcessIdentity(process) ? process : undefined, directories, isHeld };
    }
  } catch {
    // As below.
  }
  return { process: undefined, directories: [''], isHeld: true };
}

function isClaim(value: unknown): value is { readonly process?: unknown; readonly directories: readonly string[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'directories' in value &&
    Array.isArray(value.directories) &&
    value.directories.every((directory) => typeof directory === 'string')
  );
}
