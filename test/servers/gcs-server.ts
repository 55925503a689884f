import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

import { GcsRefusal, GcsTestBucket } from './gcs-server-bucket.js';
import { GcsTestUploads, readMultipart, type UploadAnswer } from './gcs-server-uploads.js';

export interface GcsServerOptions {
  readonly buckets?: readonly string[];
  /** What `Authorization: Bearer` must hold; undefined lets everybody in. */
  readonly token?: string;
  /** False for what emulators lack. */
  readonly atomicMove?: boolean;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** How far the server's clock is ahead of this machine's. */
  readonly clockOffsetMs?: number;
  /** Answers tokens to assertions; undefined where the server is no token service. */
  readonly grantToken?: (assertion: string) => string | undefined;
}

export interface GcsServer {
  readonly endpoint: string;
  readonly port: number;
  readonly buckets: ReadonlyMap<string, GcsTestBucket>;
  bucket(name: string): GcsTestBucket;
  dropBucket(name: string): void;
  readonly uploads: GcsTestUploads;
  readonly requests: readonly { readonly method: string; readonly path: string }[];
  stop(): Promise<void>;
}

interface Request {
  readonly method: string;
  readonly url: URL;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = UploadAnswer & { readonly body?: Buffer };

/** An in-memory server of the Cloud Storage JSON API: uploads, preconditions, checksums, moves, copies, paging. */
export async function startGcsServer(options: GcsServerOptions = {}): Promise<GcsServer> {
  const buckets = new Map((options.buckets ?? []).map((name) => [name, new GcsTestBucket(name)]));
  const api = new GcsApi(options, buckets);
  const requests: { method: string; path: string }[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await readRequest(incoming).catch(() => undefined);
    if (request === undefined) return;
    requests.push({ method: request.method, path: request.path });
    response.setHeader('date', new Date(Date.now() + (options.clockOffsetMs ?? 0)).toUTCString());
    reply(response, answerOrRefusal(api, request));
  };
  const handler = (incoming: IncomingMessage, response: ServerResponse) => void serve(incoming, response);
  const server = options.tls === undefined ? http.createServer(handler) : https.createServer(options.tls, handler);
  // Clients keep idle connections for longer than Node does, and would find one closed in the middle of a request.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    buckets,
    bucket: (name) => api.bucket(name),
    dropBucket: (name) => void buckets.delete(name),
    uploads: api.uploads,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

class GcsApi {
  readonly uploads = new GcsTestUploads();
  readonly #options: GcsServerOptions;
  readonly #buckets: Map<string, GcsTestBucket>;

  constructor(options: GcsServerOptions, buckets: Map<string, GcsTestBucket>) {
    this.#options = options;
    this.#buckets = buckets;
  }

  bucket(name: string): GcsTestBucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new GcsRefusal(404, 'notFound', 'The specified bucket does not exist.');
    return bucket;
  }

  answer(request: Request): Answer {
    const { path, url, method } = request;
    if (path === '/oauth2/v4/token') return this.#token(request);
    const session = url.searchParams.get('upload_id');
    if (session !== null) return this.#continueUpload(session, request);
    this.#authorize(request);
    const [, uploadTo] = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(path) ?? [];
    if (uploadTo !== undefined && method === 'POST') return this.#upload(this.bucket(uploadTo), request);
    const [, bucketName = '', , objectName, , action, destination] =
      /^\/storage\/v1\/b\/([^/]+)\/o(\/([^/]+))?(\/(moveTo|rewriteTo\/b\/[^/]+)\/o\/([^/]+))?$/.exec(path) ?? [];
    if (bucketName === '') throw new GcsRefusal(501, 'notImplemented', `${method} ${path}`);
    const bucket = this.bucket(bucketName);
    if (objectName === undefined) return { status: 200, json: bucket.list(url.searchParams) };
    const name = decodeURIComponent(objectName);
    if (action === undefined) return this.#object(bucket, { name, request });
    const move = action === 'moveTo';
    if (move && this.#options.atomicMove === false) throw new GcsRefusal(404, 'notFound', 'Not Found');
    return this.#copy(bucket, { from: name, to: decodeURIComponent(destination ?? ''), move, query: url.searchParams });
  }

  #token({ body }: Request): Answer {
    const assertion = new URLSearchParams(body.toString()).get('assertion') ?? '';
    const token = this.#options.grantToken?.(assertion);
    if (token === undefined) {
      return { status: 400, json: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } };
    }
    return { status: 200, json: { access_token: token, expires_in: 3600, token_type: 'Bearer' } };
  }

  #authorize({ headers }: Request): void {
    const { token } = this.#options;
    if (token === undefined || headers.authorization === `Bearer ${token}`) return;
    throw new GcsRefusal(401, 'authError', 'Invalid Credentials');
  }

  #continueUpload(id: string, { method, headers, body }: Request): Answer {
    if (method === 'DELETE') return this.uploads.cancel(id);
    const hash = headers['x-goog-hash'];
    return this.uploads.put(id, {
      range: headers['content-range'] ?? '',
      hash: typeof hash === 'string' ? hash : undefined,
      body,
    });
  }

  #upload(bucket: GcsTestBucket, { url, path, headers, body }: Request): Answer {
    const query = url.searchParams;
    if (query.get('uploadType') === 'resumable') {
      // The client under test sends an object, or the test fails.
      const description = JSON.parse(body.toString()) as Record<string, unknown>;
      const id = this.uploads.begin(bucket, { query, description });
      const scheme = this.#options.tls === undefined ? 'http' : 'https';
      return { status: 200, headers: { location: `${scheme}://${headers.host ?? ''}${path}?upload_id=${id}` } };
    }
    const { description, content } = readMultipart(body, headers['content-type'] ?? '');
    const name = query.get('name') ?? String(description['name']);
    bucket.assertPrecondition(name, query);
    return { status: 200, json: bucket.describe(bucket.write(name, content, description)) };
  }

  #object(bucket: GcsTestBucket, { name, request }: { name: string; request: Request }): Answer {
    const object = bucket.find(name);
    if (request.method === 'DELETE') {
      bucket.assertPrecondition(name, request.url.searchParams);
      bucket.objects.delete(name);
      return { status: 204 };
    }
    if (request.url.searchParams.get('alt') === 'media') {
      const headers = {
        'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5}`,
        'x-goog-generation': String(object.generation),
      };
      const [, start, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      if (start === undefined) return { status: 200, body: object.body, headers };
      if (Number(start) >= object.body.length)
        throw new GcsRefusal(416, 'requestedRangeNotSatisfiable', 'no such range');
      const end = last === '' ? object.body.length : Number(last) + 1;
      return { status: 206, body: object.body.subarray(Number(start), end), headers };
    }
    return { status: 200, json: bucket.describe(object) };
  }

  #copy(bucket: GcsTestBucket, options: { from: string; to: string; move: boolean; query: URLSearchParams }): Answer {
    const { from, to, move, query } = options;
    const source = bucket.find(from);
    bucket.assertPrecondition(to, query);
    const resource = bucket.describe(bucket.write(to, source.body, source.description));
    if (!move) return { status: 200, json: { kind: 'storage#rewriteResponse', done: true, resource } };
    bucket.objects.delete(from);
    return { status: 200, json: resource };
  }
}

function answerOrRefusal(api: GcsApi, request: Request): Answer {
  try {
    return api.answer(request);
  } catch (error) {
    const { status, reason, message } =
      error instanceof GcsRefusal ? error : { status: 500, reason: 'internalError', message: String(error) };
    return { status, json: { error: { code: status, message, errors: [{ reason, message, domain: 'global' }] } } };
  }
}

async function readRequest(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://server');
  const { method = 'GET', headers } = incoming;
  return { method, url, path: url.pathname, headers, body: Buffer.concat(chunks) };
}

function reply(response: ServerResponse, { status, headers, json, body }: Answer): void {
  const content = body ?? (json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json)));
  const type = json === undefined ? {} : { 'content-type': 'application/json; charset=UTF-8' };
  response.writeHead(status, { ...type, 'content-length': content.length, ...headers });
  response.end(content);
}
