import { createHash } from 'node:crypto';

import { CRC32C } from '@google-cloud/storage';

/** A refused request, as the JSON API words it. */
export class GcsRefusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string = reason) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface GcsTestObject {
  readonly name: string;
  readonly body: Buffer;
  readonly crc32c: string;
  readonly md5: string;
  readonly generation: number;
  readonly updated: string;
  /** What the client described: content type, custom metadata. */
  readonly description: Readonly<Record<string, unknown>>;
}

let generations = Date.now() * 1000;

/** Objects of one bucket, with generations and preconditions. */
export class GcsTestBucket {
  readonly name: string;
  readonly objects = new Map<string, GcsTestObject>();
  /** How often each name was written, moves and copies included. */
  readonly writes = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  find(name: string): GcsTestObject {
    const found = this.objects.get(name);
    if (found === undefined) throw new GcsRefusal(404, 'notFound', `No such object: ${this.name}/${name}`);
    return found;
  }

  /** @param query may hold `ifGenerationMatch`, where 0 stands for no object */
  assertPrecondition(name: string, query: URLSearchParams): void {
    const wanted = query.get('ifGenerationMatch');
    if (wanted === null || wanted === String(this.objects.get(name)?.generation ?? 0)) return;
    throw new GcsRefusal(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.');
  }

  write(name: string, body: Buffer, description: Readonly<Record<string, unknown>>): GcsTestObject {
    const checksum = new CRC32C();
    checksum.update(body);
    const crc32c = checksum.toString();
    const md5 = createHash('md5').update(body).digest('base64');
    for (const [field, value] of [
      ['crc32c', crc32c],
      ['md5Hash', md5],
    ] as const) {
      if (description[field] !== undefined && description[field] !== value) {
        throw new GcsRefusal(400, 'invalid', `Provided ${field} doesn't match calculated ${value}.`);
      }
    }
    const updated = new Date().toISOString();
    const object = { name, body, crc32c, md5, generation: ++generations, updated, description };
    this.objects.set(name, object);
    this.writes.set(name, (this.writes.get(name) ?? 0) + 1);
    return object;
  }

  /** Names in order, from after the page token on. */
  list(query: URLSearchParams): object {
    const prefix = query.get('prefix') ?? '';
    const limit = Number(query.get('maxResults') ?? 1000);
    const after = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString();
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
    const page = names.slice(0, limit);
    return {
      kind: 'storage#objects',
      items: page.map((name) => this.describe(this.find(name))),
      ...(names.length > limit ? { nextPageToken: Buffer.from(page.at(-1) ?? '').toString('base64url') } : {}),
    };
  }

  describe(object: GcsTestObject): object {
    return {
      kind: 'storage#object',
      ...object.description,
      id: `${this.name}/${object.name}/${object.generation}`,
      bucket: this.name,
      name: object.name,
      size: String(object.body.length),
      generation: String(object.generation),
      metageneration: '1',
      crc32c: object.crc32c,
      md5Hash: object.md5,
      updated: object.updated,
    };
  }
}
