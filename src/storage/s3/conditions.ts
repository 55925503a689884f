import type { Replaced } from '../storage.js';
import { targetChanged } from '../target-changed.js';
import type { ObjectFacts } from './object-facts.js';
import { answerOf } from './service-response.js';

/** Headers of the requests that make or remove an object; Amazon S3 user guide, "Conditional requests". */
export interface WriteCondition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

/** What stores answer to a header that they, or the user's rights, do not know: 403 where `If-Match` needs to read. */
const LACKING = [400, 403, 405, 501];

export interface ConditionalWrite<T> {
  /** Stores know conditions on some kinds of requests, and not on others. */
  readonly kind: 'write' | 'copy' | 'remove';
  /** For people: `s3://bucket/key`. */
  readonly shown: string;
  readonly replaces: Replaced | undefined;
  /** Sends the request once, as far as this program is concerned. */
  readonly send: (condition: WriteCondition) => Promise<T>;
  /** Looks at what is there. */
  readonly look: () => Promise<ObjectFacts | undefined>;
  /** All is as it is wanted: an earlier attempt has arrived, and only its answer was lost. */
  readonly isDone: (facts: ObjectFacts | undefined) => boolean;
}

/** Requests that depend on what they replace, in stores of which only some know such. */
export class WriteConditions {
  /** Kinds and headers that the store has shown not to know. */
  readonly #lacking = new Set<string>();

  /**
   * @returns undefined where an earlier attempt has done it
   * @throws LakeportError `TARGET_CHANGED` where another object is there
   */
  async write<T>(write: ConditionalWrite<T>): Promise<T | undefined> {
    const { kind, replaces, send } = write;
    if (replaces === undefined) return await send({});
    const header = replaces.version === undefined ? 'IfNoneMatch' : 'IfMatch';
    const lacking = `${kind} ${header}`;
    // Many stores ignore what they do not know of copies, which is no help: these are asked for in any case.
    if (kind === 'copy' && (await ask(write, replaces))) return undefined;
    if (this.#lacking.has(lacking)) {
      if (kind === 'remove' && (await ask(write, replaces))) return undefined;
      return await send({});
    }
    try {
      return await send({ [header]: replaces.version === undefined ? '*' : readVersion(replaces.version).etag });
    } catch (error) {
      const { status = 0, code } = answerOf(error) ?? {};
      const isLacking = LACKING.includes(status);
      if (!isLacking && status !== 412 && code !== 'NoSuchKey') throw error;
      if ((kind === 'remove' || !isLacking) && (await ask(write, replaces))) return undefined;
      // What the store says to the same request without the condition is what counts.
      const answer = await send({});
      this.#lacking.add(lacking);
      return answer;
    }
  }
}

/**
 * True where nothing has to be done any more.
 * @throws LakeportError `TARGET_CHANGED`
 */
async function ask({ look, isDone, shown }: ConditionalWrite<unknown>, replaces: Replaced): Promise<boolean> {
  const there = await look();
  if (isDone(there)) return true;
  if (!isUnchanged(there, replaces)) throw targetChanged(shown);
  return false;
}

type SeenFacts = Pick<ObjectFacts, 'etag' | 'modifiedAt' | 'bytes'>;

/** An object's ETag, time and size: the ETags of some stores' listings are not those of the objects. */
export function versionOf({ etag, modifiedAt, bytes }: SeenFacts): string | undefined {
  return etag === undefined || etag === '' ? undefined : `${seconds(modifiedAt)} ${bytes} ${etag}`;
}

function readVersion(version: string): { readonly etag: string; readonly facts: string } {
  const end = version.indexOf(' ', version.indexOf(' ') + 1);
  return { etag: version.slice(end + 1), facts: version.slice(0, end) };
}

/** The store refuses although nothing is there but what was seen. */
function isUnchanged(there: ObjectFacts | undefined, { version }: Replaced): boolean {
  if (there === undefined || version === undefined) return there === undefined && version === undefined;
  const { etag, facts } = readVersion(version);
  return (
    there.etag?.replaceAll('"', '') === etag.replaceAll('"', '') ||
    `${seconds(there.modifiedAt)} ${there.bytes}` === facts
  );
}

/** Headers know no smaller unit. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
