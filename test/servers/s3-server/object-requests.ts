import { header, verifyBody } from './checksums.js';
import { Refusal } from './refusal.js';
import type { S3Answer, S3Request } from './request.js';
import { checksumHeaders, encryptionHeaders, keptHeaders, md5Of, type Store, type StoredObject } from './store.js';
import { document, element, escapeText } from './xml.js';

/** Requests on whole objects. */
export function answerObjectRequest(request: S3Request): S3Answer {
  const { method, bucket: name, key, query, headers, store } = request;
  const bucket = store.bucket(name);
  if (method === 'PUT') return header(headers, 'x-amz-copy-source') === undefined ? putObject(request) : copy(request);
  if (method === 'DELETE') {
    checkCondition(request);
    bucket.delete(key);
    return { status: 204 };
  }
  if (method !== 'GET' && method !== 'HEAD') throw new Refusal(405, 'MethodNotAllowed');
  const object = bucket.get(key);
  if (object === undefined) throw new Refusal(404, 'NoSuchKey', { elements: { Key: escapeText(key) } });
  return query.has('tagging') ? tagging(object) : getObject(request, object);
}

/** `If-None-Match: *` and `If-Match` with an ETag, the conditions on writing. */
export function checkCondition({ headers, store, bucket, key, quirks }: S3Request): void {
  const [none, match] = [header(headers, 'if-none-match'), header(headers, 'if-match')];
  if (none === undefined && match === undefined) return;
  if (quirks.conditions === 'ignored') return;
  if (quirks.conditions === 'refused') throw new Refusal(501, 'NotImplemented');
  if (quirks.conditions === 'invalid') throw new Refusal(400, 'InvalidArgument');
  const there = store.bucket(bucket).get(key);
  if (none === '*' && there !== undefined) throw new Refusal(412, 'PreconditionFailed');
  if (match === undefined) return;
  if (there === undefined) throw new Refusal(404, 'NoSuchKey');
  if (there.etag !== match || quirks.conditions === 'never met') throw new Refusal(412, 'PreconditionFailed');
}

/** The object that a copy's header names, and the range of it. */
export function copySource(request: S3Request): StoredObject {
  const path = decodeURIComponent(header(request.headers, 'x-amz-copy-source') ?? '').replace(/^\//, '');
  return objectAt(request.store, path);
}

function objectAt(store: Store, path: string): StoredObject {
  const slash = path.indexOf('/');
  const object = store.bucket(path.slice(0, slash)).get(path.slice(slash + 1));
  if (object === undefined) throw new Refusal(404, 'NoSuchKey');
  return object;
}

function putObject(request: S3Request): S3Answer {
  const { bucket, key, headers, trailers, body, store, now } = request;
  checkCondition(request);
  const checksums = verifyBody(headers, trailers, body);
  const kept = keptHeaders(headers);
  const etag = `"${md5Of(body)}"`;
  store.bucket(bucket).set(key, { body, etag, kept, checksums, modified: now });
  return { status: 200, headers: { etag, ...encryptionHeaders(kept), ...checksumHeaders(checksums) } };
}

function copy(request: S3Request): S3Answer {
  const { bucket, key, headers, store, quirks, now } = request;
  checkCondition(request);
  const source = copySource(request);
  const given = keptHeaders(headers);
  const replaced = header(headers, 'x-amz-metadata-directive') === 'REPLACE';
  const metadata = Object.entries(source.kept).filter(([name]) => /^x-amz-meta-|^content-type$/.test(name));
  const tags =
    header(headers, 'x-amz-tagging-directive') === 'REPLACE' ? given['x-amz-tagging'] : source.kept['x-amz-tagging'];
  const kept = {
    ...without(given, ['x-amz-tagging']),
    ...(replaced ? {} : Object.fromEntries(metadata)),
    ...(tags === undefined ? {} : { 'x-amz-tagging': tags }),
  };
  store.bucket(bucket).set(key, { ...source, kept, modified: now });
  const etag = quirks.emptyEtags === true ? '' : escapeText(source.etag);
  return { status: 200, body: document('CopyObjectResult', element('ETag', etag)) };
}

function tagging({ kept }: StoredObject): S3Answer {
  const tags = [...new URLSearchParams(kept['x-amz-tagging'] ?? '')].map(([key, value]) =>
    element('Tag', element('Key', escapeText(key)) + element('Value', escapeText(value))),
  );
  return { status: 200, body: document('Tagging', element('TagSet', tags.join(''))) };
}

function getObject({ method, headers }: S3Request, object: StoredObject): S3Answer {
  const checksums = header(headers, 'x-amz-checksum-mode') === 'ENABLED' ? checksumHeaders(object.checksums) : {};
  const common = {
    'content-type': 'binary/octet-stream',
    ...without(object.kept, ['x-amz-tagging', 'x-amz-acl']),
    etag: object.etag,
    'last-modified': object.modified.toUTCString(),
    'accept-ranges': 'bytes',
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(header(headers, 'range') ?? '');
  const size = object.body.length;
  if (range === null) {
    return answer(method, 200, { ...common, ...checksums }, object.body);
  }
  const first = Number(range[1]);
  const last = range[2] === '' ? size - 1 : Math.min(Number(range[2]), size - 1);
  if (first >= size) throw new Refusal(416, 'InvalidRange');
  const contentRange = { 'content-range': `bytes ${first}-${last}/${size}` };
  return answer(method, 206, { ...common, ...contentRange }, object.body.subarray(first, last + 1));
}

function answer(method: string, status: number, headers: Record<string, string>, body: Buffer): S3Answer {
  const full = { ...headers, 'content-length': String(body.length) };
  return method === 'HEAD' ? { status, headers: full } : { status, headers: full, body };
}

function without(headers: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
