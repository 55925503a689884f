import { setTimeout as sleep } from 'node:timers/promises';

import { LakeportError } from '../errors.js';
import { displayProcess, isProcessIdentity, type ProcessIdentity, stateOf } from '../process-identity.js';
import { DirectorySet } from './directory-set.js';
import { runIsActive } from './run-is-active.js';

/**
 * Which run may write to which directories of a base, agreed on by notes in the base itself: one object a run. There is no
 * server to ask, and not every store can write on a condition, so the agreement needs no more than that whoever lists
 * sees what was written before:
 *
 * A run writes what it wants, in full, and then looks at what others have written. Where nothing of a run that lives
 * overlaps, it notes that it holds its claim. Of two that want the same at the same time, at least one sees the other;
 * none of them goes on before the other has decided: the one that wrote first waits, the other one withdraws, and asks
 * again when the first one has either got what it wanted or has gone.
 */

/** A run that nobody here can ask is taken for dead after so many milliseconds without a heartbeat. */
export const SILENCE_MS = 600_000;

/** How long another run may take to decide, before it is taken for one that holds what it wants. */
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 150;

const HELD = 'held\n';

/** A claim as a listing of the base shows it. */
export interface ClaimNote {
  readonly name: string;
  readonly runId: string;
  /** By the store's clock, in milliseconds since 1970. */
  readonly writtenAt: number;
  /** How long ago its run was last heard of, by the store's clock. */
  readonly silentMs: number;
}

/** The notes of claims in a base. */
export interface ClaimNotes {
  /** Name of this process's own. */
  readonly own: string;
  /** The own one included. */
  list(): Promise<readonly ClaimNote[]>;
  /** Undefined where it is not there any more. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes the own note; nobody sees a part of it. */
  write(text: string): Promise<void>;
  /** Adds to the own note, which holds `text`; a listing shows it all the while. */
  append(text: string, addition: string): Promise<void>;
  /** Removes the own note. */
  remove(): Promise<void>;
}

export interface ClaimsOptions {
  readonly runId: string;
  readonly process: ProcessIdentity;
  readonly notes: ClaimNotes;
  readonly ignoresCase?: boolean | undefined;
  /** For people. */
  readonly display: (directory: string) => string;
}

/** Another run's claim on something that this one wants. */
interface Rival {
  readonly note: ClaimNote;
  readonly process: ProcessIdentity | undefined;
  readonly isHeld: boolean;
  readonly directory: string;
}

/** What one run claims of a base. */
export class Claims {
  readonly #options: ClaimsOptions;
  #isWritten = false;
  #isOvertaken = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /**
   * Claims directories, relative to the base, and all below them; what was claimed before is given up.
   * @throws LakeportError `TARGET_IN_USE`, class `usage`, where a run that lives has claimed one of them, or `RUN_IS_ACTIVE`
   * where that is another process of this run; then nothing is claimed
   */
  async take(directories: readonly string[]): Promise<void> {
    await this.giveBack();
    if (directories.length === 0) return;
    const { runId, process, ignoresCase } = this.#options;
    const wanted = new DirectorySet(directories, { ignoresCase });
    const text = `${JSON.stringify({ runId, process, directories })}\n`;
    try {
      await this.#agree(wanted, text);
    } catch (error) {
      // Why it was not claimed is what matters; a note that stays goes with the run.
      await this.giveBack().catch(() => undefined);
      throw error;
    }
  }

  /** True where another process goes on with this very run, which took it over in the same moment. */
  get isOvertaken(): boolean {
    return this.#isOvertaken;
  }

  /** Removes the claim, where there is one. */
  async giveBack(): Promise<void> {
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
        // It may have arrived although an error says that it has not.
        this.#isWritten = true;
        await notes.write(text);
      }
      const { own, rivals } = await this.#look(wanted);
      const winner = rivals.find((rival) => rival.isHeld || Date.now() > deadline);
      if (winner !== undefined) throw this.#inUse(winner);
      if (rivals.length === 0 && this.#isWritten) {
        await notes.append(text, HELD);
        return;
      }
      if (this.#isWritten && rivals.some(({ note }) => isBefore(note, own))) await this.giveBack();
      withdrawn = rivals.length > 0 && !this.#isWritten;
      // Not all at the same moment again.
      if (rivals.length > 0) await sleep(LOOK_AGAIN_MS * (0.5 + Math.random()));
    }
  }

  /** The claims of runs that live and that overlap with what is wanted. Reads nothing where there are no others. */
  async #look(wanted: DirectorySet): Promise<{ own: ClaimNote | undefined; rivals: Rival[] }> {
    const { notes } = this.#options;
    const all = await notes.list();
    const rivals = await Promise.all(
      all.filter(({ name }) => name !== notes.own).map((note) => this.#rival(note, wanted)),
    );
    return {
      own: all.find(({ name }) => name === notes.own),
      rivals: rivals.filter((rival) => rival !== undefined),
    };
  }

  async #rival(note: ClaimNote, wanted: DirectorySet): Promise<Rival | undefined> {
    const content = await this.#options.notes.read(note.name);
    if (content === undefined) return undefined;
    const { process, directories, isHeld } = parse(content);
    const directory = wanted.firstOverlap(directories);
    if (directory === undefined) return undefined;
    return (await isAlive(process, note.silentMs)) ? { note, process, isHeld, directory } : undefined;
  }

  #inUse({ note, process, directory }: Rival): LakeportError {
    if (note.runId === this.#options.runId) {
      this.#isOvertaken = true;
      return runIsActive(note.runId, { process, marker: note.name });
    }
    const shown = this.#options.display(directory);
    const where = process === undefined ? '' : ` (${displayProcess(process)})`;
    return new LakeportError({
      code: 'TARGET_IN_USE',
      exit: 'in-use',
      message: `Run ${note.runId}${where} is writing to ${shown}`,
      hint: 'Wait for its end, or export to another directory, such as by --sub_path {run_id}.',
      context: { path: shown },
    });
  }
}

async function isAlive(process: ProcessIdentity | undefined, silentMs: number): Promise<boolean> {
  const state = process === undefined ? 'unknown' : await stateOf(process);
  return state === 'unknown' ? silentMs <= SILENCE_MS : state === 'alive';
}

/** An order that all who see the notes agree on. */
function isBefore(note: ClaimNote, own: ClaimNote | undefined): boolean {
  if (own === undefined || note.writtenAt !== own.writtenAt) return note.writtenAt < (own?.writtenAt ?? Infinity);
  return note.name < own.name;
}

interface Claim {
  readonly process: ProcessIdentity | undefined;
  readonly directories: readonly string[];
  readonly isHeld: boolean;
}

/** A note that can't be understood, such as a later version's, claims everything as long as its run is heard of. */
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
