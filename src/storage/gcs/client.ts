import { Storage, type StorageOptions } from '@google-cloud/storage';

import type { Agents } from '../http/agents.js';
import { type HttpAnswer, send } from '../http/request.js';
import { proxyPage } from '../http/proxy.js';
import { GcsAnswerError, GcsWebPageError, isWebPage, parseJson } from './response-error.js';

type RequestOptions = Parameters<Storage['request']>[0];
type RequestCallback = Parameters<Storage['request']>[1];

export interface GcsClientOptions {
  /** `https://storage.googleapis.com`, or an emulator. */
  readonly endpoint: URL;
  readonly agents: Agents;
  readonly authenticated: boolean;
  readonly userAgent: string;
  /** Credentials and project. */
  readonly storage: StorageOptions;
}

export interface GcsRequest {
  readonly method: string;
  /** Path below the endpoint, or the URL of an upload session, which is itself a credential. */
  readonly target: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Google's client with our own transport: the client has two of its own (one for uploads, one for everything else), which
 * accept no certificates, have no stall timeout, and retry by their own rules.
 */
export class GcsClient extends Storage {
  readonly #options: GcsClientOptions;

  constructor(options: GcsClientOptions) {
    super({ ...options.storage, retryOptions: { autoRetry: false } });
    this.#options = options;
  }

  /** Called by the client's buckets and files for each of their requests. */
  override request(options: RequestOptions, callback: RequestCallback): void {
    const body: unknown = options.json;
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    this.send({
      method: options.method ?? 'GET',
      target: `/storage/v1/${options.uri.replace(/^\/+/, '')}`,
      query: queryOf(options.qs),
      headers,
      ...(body === undefined ? {} : { body: [Buffer.from(JSON.stringify(body))] }),
    }).then(
      (answer) => callback(null, parseJson(answer.body) ?? {}),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  }

  /**
   * Sends one request without retries.
   * @throws GcsAnswerError for an unsuccessful response, GcsWebPageError for one that is not from the service
   */
  async send(request: GcsRequest): Promise<HttpAnswer> {
    const answer = await this.sendRaw(request);
    if (answer.status < 200 || answer.status > 299) throw failureOf(answer);
    if (isWebPage(answer.body) && request.query?.['alt'] !== 'media') throw new GcsWebPageError(answer.status);
    return answer;
  }

  /** Like `send`, but returns every response, such as the 308 of an unfinished upload. */
  async sendRaw(request: GcsRequest): Promise<HttpAnswer> {
    const { endpoint, agents, userAgent, authenticated } = this.#options;
    const { target } = request;
    const url = typeof target === 'string' ? new URL(endpoint.href.replace(/\/$/, '') + target) : target;
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const authorize = authenticated && typeof target === 'string';
    const authorization = authorize ? await this.authClient.getRequestHeaders(url.href) : {};
    const answer = await send({
      method: request.method,
      url,
      headers: { 'user-agent': userAgent, ...authorization, ...request.headers },
      body: request.body,
      agents,
      signal: request.signal,
    });
    const proxy = agents.plainProxy(url);
    const isStranger = answer.status === 407 || isWebPage(answer.body);
    const ofProxy = isStranger ? proxyPage(proxy, answer.status, url.host) : undefined;
    if (ofProxy !== undefined) throw ofProxy;
    return answer;
  }
}

/** The error for a response. */
export function failureOf(answer: HttpAnswer): GcsAnswerError | GcsWebPageError {
  return isWebPage(answer.body) && answer.status < 500
    ? new GcsWebPageError(answer.status)
    : new GcsAnswerError(answer);
}

function queryOf(query: unknown): Record<string, string> {
  if (typeof query !== 'object' || query === null) return {};
  const values = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
}
