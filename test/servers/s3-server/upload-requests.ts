import { randomUUID } from 'node:crypto';

import { type Algorithm, CHECKSUMS, header, verifyBody } from './checksums.js';
import { checkCondition, copySource } from './object-requests.js';
import { Refusal } from './refusal.js';
import type { S3Answer, S3Request } from './request.js';
import {
  checksumHeaders,
  encryptionHeaders,
  keptHeaders,
  md5Of,
  type PendingUpload,
  type UploadPart,
} from './store.js';
import { contentsOf, document, element, escapeText, unescapeText } from './xml.js';

const MAX_PART_NUMBER = 10_000;

/** True for the requests of a multipart upload. */
export function isUploadRequest({ method, query }: Pick<S3Request, 'method' | 'query'>): boolean {
  return query.has('uploadId') || (method === 'POST' && query.has('uploads'));
}

export function answerUploadRequest(request: S3Request): S3Answer {
  const { method, query } = request;
  if (method === 'POST' && query.has('uploads')) return create(request);
  const upload = pending(request);
  if (method === 'PUT') return uploadPart(request, upload);
  if (method === 'GET') return listParts(request, upload);
  if (method === 'POST') return complete(request, upload);
  if (method !== 'DELETE') throw new Refusal(405, 'MethodNotAllowed');
  request.store.uploads.delete(query.get('uploadId')!);
  return { status: 204 };
}

function pending({ query, store, bucket, key }: S3Request): PendingUpload {
  store.bucket(bucket);
  const upload = store.uploads.get(query.get('uploadId') ?? '');
  if (upload?.key !== key || upload.bucket !== bucket) throw new Refusal(404, 'NoSuchUpload');
  return upload;
}

function create({ bucket, key, headers, store, quirks, now }: S3Request): S3Answer {
  store.bucket(bucket);
  const id = randomUUID();
  const all = keptHeaders(headers);
  const kept =
    quirks.noUploadMetadata === true
      ? Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('x-amz-meta-')))
      : all;
  const algorithm = header(headers, 'x-amz-checksum-algorithm')?.toLowerCase() as Algorithm | undefined;
  store.uploads.set(id, { bucket, key, kept, algorithm, initiated: now, parts: new Map() });
  const body = element('Bucket', bucket) + element('Key', escapeText(key)) + element('UploadId', id);
  return { status: 200, headers: encryptionHeaders(kept), body: document('InitiateMultipartUploadResult', body) };
}

function uploadPart(request: S3Request, upload: PendingUpload): S3Answer {
  const { query, headers, trailers } = request;
  const number = Number(query.get('partNumber'));
  if (!(number >= 1 && number <= MAX_PART_NUMBER)) throw new Refusal(400, 'InvalidArgument');
  const copied = header(headers, 'x-amz-copy-source') !== undefined;
  const body = copied ? copiedBytes(request) : request.body;
  const checksums = copied ? copiedChecksums(upload, body) : verifyBody(headers, trailers, body);
  const etag = `"${md5Of(body)}"`;
  upload.parts.set(number, { body, etag, checksums });
  const encryption = encryptionHeaders(upload.kept);
  if (!copied) return { status: 200, headers: { etag, ...encryption, ...checksumHeaders(checksums) } };
  const checksum = Object.entries(checksums).map(([name, value]) => element(`Checksum${name.toUpperCase()}`, value));
  return {
    status: 200,
    headers: encryption,
    body: document('CopyPartResult', element('ETag', escapeText(etag)) + checksum.join('')),
  };
}

function copiedBytes(request: S3Request): Buffer {
  const source = copySource(request).body;
  const range = /^bytes=(\d+)-(\d+)$/.exec(header(request.headers, 'x-amz-copy-source-range') ?? '');
  if (range === null) return source;
  if (Number(range[2]) >= source.length) throw new Refusal(416, 'InvalidRange');
  return source.subarray(Number(range[1]), Number(range[2]) + 1);
}

function copiedChecksums({ algorithm }: PendingUpload, body: Buffer): UploadPart['checksums'] {
  return algorithm === undefined ? {} : { [algorithm]: CHECKSUMS[algorithm](body) };
}

function listParts({ query }: S3Request, upload: PendingUpload): S3Answer {
  const parts = [...upload.parts].map(([number, { etag, body }]) =>
    element('Part', element('PartNumber', number) + element('ETag', escapeText(etag)) + element('Size', body.length)),
  );
  const id = element('UploadId', query.get('uploadId') ?? '');
  return { status: 200, body: document('ListPartsResult', id + parts.join('')) };
}

function complete(request: S3Request, upload: PendingUpload): S3Answer {
  const { query, bucket, key, store, quirks, now } = request;
  checkCondition(request);
  const parts = namedParts(request, upload);
  const sums = Buffer.concat(parts.map((part) => Buffer.from(part.etag.slice(1, -1), 'hex')));
  const etag = `"${md5Of(sums)}-${parts.length}"`;
  const { algorithm, kept } = upload;
  const composite = algorithm === undefined ? undefined : compositeChecksum(algorithm, parts);
  store.bucket(bucket).set(key, {
    body: Buffer.concat(parts.map((part) => part.body)),
    etag,
    kept,
    checksums: algorithm === undefined || composite === undefined ? {} : { [algorithm]: composite },
    modified: now,
  });
  store.uploads.delete(query.get('uploadId') ?? '');
  const checksum =
    algorithm === undefined || composite === undefined
      ? ''
      : element(`Checksum${algorithm.toUpperCase()}`, composite) + element('ChecksumType', 'COMPOSITE');
  const shownEtag = quirks.emptyEtags === true ? '' : escapeText(etag);
  return {
    status: 200,
    headers: encryptionHeaders(kept),
    body: document(
      'CompleteMultipartUploadResult',
      element('Bucket', bucket) + element('Key', escapeText(key)) + element('ETag', shownEtag) + checksum,
    ),
  };
}

/** The parts that the request names, checked by the rules of S3. */
function namedParts({ body, minPart }: S3Request, upload: PendingUpload): UploadPart[] {
  const named = contentsOf(body.toString(), 'Part').map((part) => ({
    number: Number(contentsOf(part, 'PartNumber')[0]),
    etag: `"${unescapeText(contentsOf(part, 'ETag')[0] ?? '').replaceAll('"', '')}"`,
    crc32: contentsOf(part, 'ChecksumCRC32')[0],
  }));
  if (named.length === 0) throw new Refusal(400, 'MalformedXML');
  return named.map(({ number, etag, crc32 }, index) => {
    const part = upload.parts.get(number);
    const checksum = part?.checksums.crc32;
    if (part?.etag !== etag || (crc32 !== undefined && crc32 !== checksum)) throw new Refusal(400, 'InvalidPart');
    if (upload.algorithm === 'crc32' && crc32 === undefined) throw new Refusal(400, 'InvalidRequest');
    if (index > 0 && named[index - 1]!.number >= number) throw new Refusal(400, 'InvalidPartOrder');
    if (index < named.length - 1 && part.body.length < minPart) throw new Refusal(400, 'EntityTooSmall');
    return part;
  });
}

function compositeChecksum(algorithm: Algorithm, parts: readonly UploadPart[]): string | undefined {
  const sums = parts.map((part) => part.checksums[algorithm]);
  if (sums.includes(undefined)) return undefined;
  return `${CHECKSUMS[algorithm](Buffer.concat(sums.map((sum) => Buffer.from(sum!, 'base64'))))}-${parts.length}`;
}
