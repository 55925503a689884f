import { createHash, createHmac } from 'node:crypto';

import { header, type Headers } from './checksums.js';
import { Refusal } from './refusal.js';

export interface SignedRequest {
  readonly method: string;
  /** As sent, still encoded. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
}

export interface Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** With one, the keys are temporary. */
  readonly sessionToken?: string | undefined;
  readonly region: string;
  /** Which service signatures are made for. */
  readonly service: 's3' | 's3express';
  /** The right region is told in bodies only. */
  readonly hidesRegion?: boolean | undefined;
}

const MAX_SKEW_MS = 15 * 60_000;

/** Signature version 4 in the Authorization header, as "Authenticating Requests" in the S3 API reference has it. */
export function verifySignature(request: SignedRequest, account: Account, now: Date): void {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/([\w]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)$/.exec(
      header(request.headers, 'authorization') ?? '',
    );
  if (match === null) throw new Refusal(403, 'AccessDenied', { message: 'Access Denied' });
  const [, accessKeyId, date, region, service, signedHeaders, signature] = match as unknown as string[];
  if (service !== account.service) throw new Refusal(400, 'AuthorizationHeaderMalformed');
  if (accessKeyId !== account.accessKeyId) {
    throw new Refusal(403, 'InvalidAccessKeyId', { elements: { AWSAccessKeyId: accessKeyId! } });
  }
  if (region !== account.region) {
    throw new Refusal(400, 'AuthorizationHeaderMalformed', {
      message: `The authorization header is malformed; the region '${region!}' is wrong; expecting '${account.region}'`,
      elements: { Region: account.region },
      headers: account.hidesRegion === true ? {} : { 'x-amz-bucket-region': account.region },
    });
  }
  const scope = `${date!}/${region}/${service}/aws4_request`;
  const canonical = canonicalRequest(request, signedHeaders!);
  const time = header(request.headers, 'x-amz-date') ?? '';
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date!, region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${account.secretAccessKey}`),
  );
  if (hmac(key, toSign).toString('hex') !== signature) {
    throw new Refusal(403, 'SignatureDoesNotMatch', {
      message: 'The request signature we calculated does not match the signature you provided.',
      elements: { AWSAccessKeyId: accessKeyId, StringToSign: toSign },
    });
  }
  const skew = Math.abs(now.getTime() - timeOf(time));
  if (!(skew < MAX_SKEW_MS)) {
    throw new Refusal(403, 'RequestTimeTooSkewed', {
      message: 'The difference between the request time and the current time is too large.',
      elements: { RequestTime: time, ServerTime: now.toISOString() },
    });
  }
  const token = account.service === 's3' ? 'x-amz-security-token' : 'x-amz-s3session-token';
  if (header(request.headers, token) !== account.sessionToken) throw new Refusal(400, 'InvalidToken');
}

function canonicalRequest({ method, rawPath, query, headers }: SignedRequest, signedHeaders: string): string {
  const sortedQuery = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const lines = signedHeaders
    .split(';')
    .map((name) => `${name}:${(header(headers, name) ?? '').trim().replace(/ +/g, ' ')}\n`);
  const payload = header(headers, 'x-amz-content-sha256') ?? '';
  return [method, rawPath, sortedQuery.join('&'), lines.join(''), signedHeaders, payload].join('\n');
}

/** `20250131T235959Z` in milliseconds since 1970. */
function timeOf(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/** RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
