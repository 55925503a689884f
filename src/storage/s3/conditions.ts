import type { Replaced } from '../storage.js';
import { targetChanged } from '../target-changed.js';
import type { ObjectFacts } from './object-facts.js';
import { answerOf } from './service-response.js';

/** Headers of requests that write or remove an object; Amazon S3 user guide, "Conditional requests". */
export interface WriteCondition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

/** Responses to a header that the store, or the user's permissions, do not support: 403 if `If-Match` requires read access. */
const LACKING = [400, 403, 405, 501];

export interface ConditionalWrite<T> {
  /** A store may support conditions for some kinds of requests only. */
  readonly kind: 'write' | 'copy' | 'remove';
  /** For messages: `s3://bucket/key`. */
  readonly shown: string;
  readonly replaces: Replaced | undefined;
  /** Sends the request once. */
  readonly send: (condition: WriteCondition) => Promise<T>;
  /** Reads the current state. */
  readonly look: () => Promise<ObjectFacts | undefined>;
  /** Whether the desired state is reached: an earlier attempt succeeded although its response was lost. */
  readonly isDone: (facts: ObjectFacts | undefined) => boolean;
}

/** Conditional requests, for stores that only support some of them. */
export class WriteConditions {
  /** Kinds and headers that the store has turned out not to support. */
  readonly #lacking = new Set<string>();

  /**
   * @returns undefined if an earlier attempt has done it
   * @throws LakeportError `TARGET_CHANGED` if another object is there
   */
  async write<T>(write: ConditionalWrite<T>): Promise<T | undefined> {
    const { kind, replaces, send } = write;
    if (replaces === undefined) return await send({});
    const header = replaces.version === undefined ? 'IfNoneMatch' : 'IfMatch';
    const lacking = `${kind} ${header}`;
    // Many stores silently ignore conditions on copies, so these are checked in any case.
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
      // The store's response to the same request without the condition counts.
      const answer = await send({});
      this.#lacking.add(lacking);
      return answer;
    }
  }
}

/**
 * Whether nothing is left to do.
 * @throws LakeportError `TARGET_CHANGED`
 */
async function ask({ look, isDone, shown }: ConditionalWrite<unknown>, replaces: Replaced): Promise<boolean> {
  const there = await look();
  if (isDone(there)) return true;
  if (!isUnchanged(there, replaces)) throw targetChanged(shown);
  return false;
}

type SeenFacts = Pick<ObjectFacts, 'etag' | 'modifiedAt' | 'bytes'>;

/** An object's ETag, time and size: in some stores, ETags in listings differ from the objects' own. */
export function versionOf({ etag, modifiedAt, bytes }: SeenFacts): string | undefined {
  return etag === undefined || etag === '' ? undefined : `${seconds(modifiedAt)} ${bytes} ${etag}`;
}

function readVersion(version: string): { readonly etag: string; readonly facts: string } {
  const end = version.indexOf(' ', version.indexOf(' ') + 1);
  return { etag: version.slice(end + 1), facts: version.slice(0, end) };
}

/** Whether the store rejected the request although the object has not changed. */
function isUnchanged(there: ObjectFacts | undefined, { version }: Replaced): boolean {
  if (there === undefined || version === undefined) return there === undefined && version === undefined;
  const { etag, facts } = readVersion(version);
  return (
    there.etag?.replaceAll('"', '') === etag.replaceAll('"', '') ||
    `${seconds(there.modifiedAt)} ${there.bytes}` === facts
  );
}

/** HTTP dates have no smaller unit. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
