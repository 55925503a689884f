import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

import { answerBucketRequest } from './bucket-requests.js';
import { header, unframe } from './checksums.js';
import { answerObjectRequest } from './object-requests.js';
import { answerSessionRequest, checkExpressRules, expressAccount, isSessionRequest } from './express.js';
import { operationOf } from './operation.js';
import { Refusal } from './refusal.js';
import type { Quirks, S3Answer, S3Request } from './request.js';
import { type Account, verifySignature } from './signature.js';
import { Store } from './store.js';
import { answerUploadRequest, isUploadRequest } from './upload-requests.js';
import { document, element, escapeText } from './xml.js';

/**
 * An S3 server in memory that is as strict as the real one: it verifies signatures, checksums, framing and the rules of
 * multipart uploads. Nothing on the package registries is that faithful.
 */
export interface S3ServerOptions {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  /** A bucket to begin with. */
  readonly bucket?: string;
  /** PEM texts: the server then speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Hosts `bucket.<domain>` are understood as well as paths; only they, where `only` is set. */
  readonly virtualHosts?: { readonly domain: string };
  /** How far the server's clock goes before ours. */
  readonly clockOffsetMs?: number;
  readonly quirks?: Quirks;
  /** Buckets are those of S3 Express One Zone. */
  readonly express?: boolean;
  readonly minPart?: number;
  /** Refuses a request; undefined lets it pass. */
  readonly refuse?: (request: LoggedRequest) => Refusal | undefined;
}

interface LoggedRequest {
  /** As the API calls it: `UploadPart`. */
  readonly operation: string;
  readonly method: string;
  readonly url: string;
  readonly key: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Size of the body. */
  readonly bytes: number;
}

export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly store: Store;
  /** All requests so far, those that were refused included. */
  readonly log: LoggedRequest[];
  /** How many requests of each operation there were since the last call. */
  counts(): Record<string, number>;
  /** Replaces the option of that name. */
  refuse(rule: S3ServerOptions['refuse']): void;
  /** Answers a request, which is carried out at once, only when the rule's promise settles. */
  hold(rule: (request: LoggedRequest) => Promise<void> | undefined): void;
  stop(): Promise<void>;
}

const MIN_PART = 5 * 1024 * 1024;

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { accessKeyId = 'AKIATEST', secretAccessKey = 'test-secret-key', region = 'us-east-1' } = options;
  const store = new Store();
  if (options.bucket !== undefined) store.buckets.set(options.bucket, new Map());
  const log: LoggedRequest[] = [];
  let counted = 0;
  let refuse = options.refuse;
  let hold: Parameters<S3Server['hold']>[0] | undefined;

  const answer = (request: IncomingMessage, framed: Buffer): S3Answer => {
    const { bucket, key, rawPath, query } = addressOf(request, options.virtualHosts?.domain);
    const method = request.method ?? 'GET';
    const { headers } = request;
    const entry = {
      operation: operationOf({ method, key, query, headers }),
      method,
      url: request.url ?? '/',
      key,
      headers,
      bytes: framed.length,
    };
    log.push(entry);
    const refusal = refuse?.(entry);
    if (refusal !== undefined) throw refusal;
    const now = new Date(Date.now() + (options.clockOffsetMs ?? 0));
    const hidesRegion = options.quirks?.noRegionHeader;
    const { sessionToken, express = false } = options;
    const opensSession = express && isSessionRequest({ method, key, query });
    const account: Account = { accessKeyId, secretAccessKey, sessionToken, region, service: 's3', hidesRegion };
    const signer = express ? expressAccount(account, opensSession) : account;
    verifySignature({ method, rawPath, query, headers }, signer, now);
    if (opensSession) return answerSessionRequest();
    const { body, trailers } = bodyOf(headers, framed, options.quirks);
    const { quirks = {}, minPart = MIN_PART } = options;
    const verified: S3Request = { method, bucket, key, query, headers, body, trailers, store, quirks, minPart, now };
    if (express) checkExpressRules(verified);
    if (bucket === '') return { status: 200, body: document('ListAllMyBucketsResult', '') };
    if (key === '') return answerBucketRequest(verified, region);
    return isUploadRequest(verified) ? answerUploadRequest(verified) : answerObjectRequest(verified);
  };

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      response.setHeader('date', new Date(Date.now() + (options.clockOffsetMs ?? 0)).toUTCString());
      response.setHeader('x-amz-request-id', `TEST${log.length}`);
      let answered: S3Answer;
      try {
        answered = answer(request, Buffer.concat(chunks));
      } catch (error) {
        answered = refusalAnswer(error);
      }
      const entry = log.at(-1);
      const held = entry === undefined ? undefined : hold?.(entry);
      void Promise.resolve(held).then(() => send(response, request.method, answered));
    });
  };
  const server = options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    endpoint: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    accessKeyId,
    secretAccessKey,
    region,
    store,
    log,
    counts: () => {
      const counts: Record<string, number> = {};
      for (const { operation } of log.slice(counted)) counts[operation] = (counts[operation] ?? 0) + 1;
      counted = log.length;
      return counts;
    },
    refuse: (rule) => (refuse = rule),
    hold: (rule) => (hold = rule),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function addressOf(request: IncomingMessage, domain: string | undefined) {
  const url = new URL(request.url ?? '/', 'http://server');
  const rawPath = (request.url ?? '/').replace(/\?.*$/, '').replace(/^https?:\/\/[^/]*/, '');
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const segments = rawPath.slice(1).split('/').map(decodeURIComponent);
  const ofHost = domain !== undefined && host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : undefined;
  const bucket = ofHost ?? segments.shift() ?? '';
  return { bucket, key: segments.join('/'), rawPath, query: url.searchParams };
}

function bodyOf(headers: http.IncomingHttpHeaders, framed: Buffer, quirks: Quirks | undefined) {
  if (header(headers, 'x-amz-content-sha256')?.startsWith('STREAMING-') !== true) return { body: framed, trailers: {} };
  if (quirks?.noChunkedBodies === true) throw new Refusal(411, 'MissingContentLength');
  const { body, trailers } = unframe(framed);
  const length = header(headers, 'x-amz-decoded-content-length');
  if (length !== undefined && Number(length) !== body.length) throw new Refusal(400, 'IncompleteBody');
  return { body, trailers };
}

function send(response: ServerResponse, method: string | undefined, answer: S3Answer): void {
  const xml = typeof answer.body === 'string' ? { 'content-type': 'application/xml' } : {};
  response.writeHead(answer.status, { ...xml, ...answer.headers });
  response.end(method === 'HEAD' ? undefined : answer.body);
}

function refusalAnswer(error: unknown): S3Answer {
  const { status, code, message, elements, headers } =
    error instanceof Refusal ? error : new Refusal(500, 'InternalError', { message: String(error) });
  const details = Object.entries(elements).map(([name, value]) => element(name, value));
  const body = element('Code', code) + element('Message', escapeText(message)) + details.join('');
  return { status, headers, body: document('Error', body + element('RequestId', 'TEST')) };
}
