import type { Replaced } from '../storage.js';
import { targetChanged } from '../target-changed.js';
import type { ObjectFacts } from './objects.js';
import { answerOf } from './service-answer.js';

/** Headers of PutObject and CompleteMultipartUpload; Amazon S3 user guide, "Conditional writes". */
export interface WriteCondition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

/** What stores answer to a header that they, or the user's rights, do not know: 403 where `If-Match` needs to read. */
const LACKING = [400, 403, 405, 501];

export interface ConditionalWrite<T> {
  /** For people: `s3://bucket/key`. */
  readonly shown: string;
  readonly replaces: Replaced | undefined;
  /** Sends the request once, as far as this program is concerned. */
  readonly send: (condition: WriteCondition) => Promise<T>;
  /** Looks at what is there. */
  readonly look: () => Promise<ObjectFacts | undefined>;
  /** The object is the one that is being written: an earlier attempt has arrived, and only its answer was lost. */
  readonly isOwn: (facts: ObjectFacts) => boolean;
}

/** Writes that depend on what they replace, in stores of which only some know such. */
export class WriteConditions {
  /** Headers that the store has shown not to know. */
  readonly #lacking = new Set<keyof WriteCondition>();

  /**
   * @returns undefined where the object is there by an earlier attempt
   * @throws LakeportError `TARGET_CHANGED` where another object is there
   */
  async write<T>(write: ConditionalWrite<T>): Promise<T | undefined> {
    const { replaces, send, look, isOwn, shown } = write;
    if (replaces === undefined) return await send({});
    const header = replaces.version === undefined ? 'IfNoneMatch' : 'IfMatch';
    if (this.#lacking.has(header)) return await send({});
    try {
      return await send({ [header]: replaces.version === undefined ? '*' : readVersion(replaces.version).etag });
    } catch (error) {
      const { status = 0, code } = answerOf(error) ?? {};
      if (!LACKING.includes(status)) {
        if (status !== 412 && code !== 'NoSuchKey') throw error;
        const there = await look();
        if (there !== undefined && isOwn(there)) return undefined;
        if (!isUnchanged(there, replaces)) throw targetChanged(shown);
      }
      // What the store says to the same request without the condition is what counts.
      const answer = await send({});
      this.#lacking.add(header);
      return answer;
    }
  }
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
