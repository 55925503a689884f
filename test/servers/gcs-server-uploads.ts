import { randomUUID } from 'node:crypto';

import { GcsRefusal, type GcsTestBucket } from './gcs-server-bucket.js';

/** Chunks but the last are multiples of this; Cloud Storage documentation, "Resumable uploads". */
const GRAIN = 256 * 1024;

interface Session {
  readonly bucket: GcsTestBucket;
  readonly name: string;
  readonly description: Record<string, unknown>;
  readonly query: URLSearchParams;
  chunks: Buffer[];
  size: number;
  done: object | undefined;
}

export interface UploadAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly json?: object;
}

/** Resumable uploads that have been begun: chunks at their offsets, questions for the state, cancellation. */
export class GcsTestUploads {
  readonly sessions = new Map<string, Session>();

  /** @returns the session's id */
  begin(bucket: GcsTestBucket, options: { query: URLSearchParams; description: Record<string, unknown> }): string {
    const { query, description } = options;
    const name = query.get('name') ?? String(description['name']);
    bucket.assertPrecondition(name, query);
    const id = randomUUID();
    this.sessions.set(id, { bucket, name, description, query, chunks: [], size: 0, done: undefined });
    return id;
  }

  cancel(id: string): UploadAnswer {
    this.#session(id);
    this.sessions.delete(id);
    return { status: 499, json: {} };
  }

  put(id: string, options: { range: string; hash: string | undefined; body: Buffer }): UploadAnswer {
    const session = this.#session(id);
    if (session.done !== undefined) return { status: 200, json: session.done };
    const { range, hash, body } = options;
    const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(range);
    if (match === null) throw new GcsRefusal(400, 'invalid', `Content-Range: ${range}`);
    const [, first, last, total] = match;
    if (first !== undefined) {
      const [start, end] = [Number(first), Number(last)];
      if (body.length !== end - start + 1) throw new GcsRefusal(400, 'invalid', 'length does not match Content-Range');
      if (start !== session.size) throw new GcsRefusal(400, 'invalid', `offset ${start}, but ${session.size} are here`);
      if (total === '*' && body.length % GRAIN !== 0) throw new GcsRefusal(400, 'invalid', 'not a multiple of 256 KiB');
      session.chunks.push(body);
      session.size += body.length;
    }
    if (total === '*' || Number(total) !== session.size) return incomplete(session);
    return { status: 200, json: complete(session, hash) };
  }

  #session(id: string): Session {
    const session = this.sessions.get(id);
    if (session === undefined) throw new GcsRefusal(404, 'notFound', 'There is no such upload.');
    return session;
  }
}

function incomplete(session: Session): UploadAnswer {
  return { status: 308, headers: session.size === 0 ? {} : { range: `bytes=0-${session.size - 1}` } };
}

function complete(session: Session, hash: string | undefined): object {
  const { bucket, name, query, description, chunks } = session;
  bucket.assertPrecondition(name, query);
  const crc32c = /crc32c=([^,\s]+)/.exec(hash ?? '')?.[1];
  const object = bucket.write(name, Buffer.concat(chunks), { ...description, ...(crc32c && { crc32c }) });
  session.done = bucket.describe(object);
  session.chunks = [];
  return session.done;
}

/** Description and content of a `multipart/related` body. */
export function readMultipart(
  body: Buffer,
  contentType: string,
): { description: Record<string, unknown>; content: Buffer } {
  const boundary = Buffer.from(`--${/boundary="?([^";]+)/.exec(contentType)?.[1] ?? ''}`);
  const first = body.indexOf(boundary);
  const second = body.indexOf(boundary, first + 1);
  const third = body.indexOf(boundary, second + 1);
  const part = (start: number, end: number) => {
    // Between the line end after the boundary and the one before the next.
    const section = body.subarray(start + boundary.length + 2, end - 2);
    return section.subarray(section.indexOf('\r\n\r\n') + 4);
  };
  // The test reads what the client under test wrote: an object, or the test fails.
  const description = JSON.parse(part(first, second).toString()) as Record<string, unknown>;
  return { description, content: Buffer.from(part(second, third)) };
}
