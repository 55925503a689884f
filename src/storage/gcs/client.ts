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
  /** Path below the endpoint, or the address of an upload, which is a credential in itself. */
  readonly target: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Google's client, with its requests sent by our own transport: the client's two (one for uploads, one for the rest)
 * can't be given certificates, have no limit on stalling, and retry by rules of their own.
 */
export class GcsClient extends Storage {
  readonly #options: GcsClientOptions;

  constructor(options: GcsClientOptions) {
    super({ ...options.storage, retryOptions: { autoRetry: false } });
    this.#options = options;
  }

  /** What buckets and files of the client call for each of their requests. */
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
   * One request, without retries.
   * @throws GcsAnswerError for every answer that is no success, GcsWebPageError for one that is not the service's
   */
  async send(request: GcsRequest): Promise<HttpAnswer> {
    const answer = await this.sendRaw(request);
    if (answer.status < 200 || answer.status > 299) throw failureOf(answer);
    if (isWebPage(answer.body) && request.query?.['alt'] !== 'media') throw new GcsWebPageError(answer.status);
    return answer;
  }

  /** The same for those who want every answer, such as the 308 of an upload that goes on. */
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

/** The error that an answer stands for. */
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
