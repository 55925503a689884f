import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

import type { S3Client } from '@aws-sdk/client-s3';

import { field } from '../http/error-mapping.js';
import { WebPageAnswer } from './map-error.js';

/** Maximum bytes of an error response to inspect; S3's own are far smaller. */
const MAX_ERROR_BYTES = 64 * 1024;

/** The error of a proxy that has responded with its own page; undefined if there is no proxy. */
export type ProxyFailure = (status: number) => Error | undefined;

/**
 * Inspects responses before the SDK, which parses everything as S3's XML: a web page becomes a `WebPageAnswer`, and a
 * proxy's text is dropped, so that the HTTP status decides.
 */
export function readAnswers(client: S3Client, proxyFailure: ProxyFailure): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response;
      if (!isResponse(response)) return result;
      const ok = response.statusCode < 300;
      const type = response.headers['content-type'] ?? '';
      const ofProxy = !ok && type.startsWith('text/html') ? proxyFailure(response.statusCode) : undefined;
      if (ofProxy !== undefined) throw ofProxy;
      if (ok) {
        if (!type.startsWith('text/html')) return result;
        // Some stores send this for responses without a body.
        const body = response.body === undefined ? Buffer.alloc(0) : await readSome(response.body);
        if (body.length > 0) throw new WebPageAnswer(response.statusCode);
        response.body = Readable.from([]);
        return result;
      }
      if (response.body === undefined) return result;
      const body = await readSome(response.body);
      const start = body.subarray(0, 256).toString('latin1').trimStart().toLowerCase();
      if (start.startsWith('<!doctype html') || start.startsWith('<html')) {
        // A gateway without its backend also responds in HTML, and is worth a retry.
        if (response.statusCode < 500) throw new WebPageAnswer(response.statusCode);
        response.body = Readable.from([]);
      } else {
        response.body = Readable.from(start.startsWith('<') ? [body] : []);
      }
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'lakeportReadAnswers' },
  );
}

/**
 * Leaves the SHA-256 of a body out of the signature if a checksum goes with it and TLS protects both, as the AWS command
 * line does: it would be computed for every part for nothing.
 */
export function signBodies(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request;
      if (isRequest(request) && request.protocol === 'https:' && hasChecksum(request.headers)) {
        request.headers['x-amz-content-sha256'] ??= 'UNSIGNED-PAYLOAD';
      }
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'lakeportSignBodies' },
  );
}

/**
 * Sends `Content-MD5` with DeleteObjects if checksums are only sent when required: older stores accept nothing else there
 * (AWS SDK for JavaScript, "Fallback to MD5").
 */
export function useContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const request = args.request;
      const needed = context['commandName'] === 'DeleteObjectsCommand' && isRequest(request);
      if (!needed || (await client.config.requestChecksumCalculation()) !== 'WHEN_REQUIRED') return await next(args);
      for (const name of Object.keys(request.headers)) {
        if (/^x-amz-(?:sdk-)?checksum-/i.test(name)) Reflect.deleteProperty(request.headers, name);
      }
      const body = typeof request.body === 'string' || request.body instanceof Uint8Array ? request.body : '';
      request.headers['Content-MD5'] = createHash('md5').update(body).digest('base64');
      return await next(args);
    },
    { step: 'build', priority: 'low', name: 'lakeportContentMd5' },
  );
}

/** The part of the SDK's HTTP messages that is used here. */
interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  body?: Readable;
}

interface Request {
  readonly protocol: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

function isResponse(message: unknown): message is Response {
  return typeof field(message, 'statusCode') === 'number' && typeof field(message, 'headers') === 'object';
}

function isRequest(message: unknown): message is Request {
  return typeof field(message, 'protocol') === 'string' && typeof field(message, 'headers') === 'object';
}

function hasChecksum(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => /^(?:x-amz-checksum-|content-md5$)/i.test(name));
}

async function readSome(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks);
}
