import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';

import type { Agents } from './agents.js';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent piece by piece, without copying. */
  readonly body?: readonly Uint8Array[] | undefined;
  readonly agents: Agents;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request, one response of any status. Throws Node's error if there is no response. */
export function send(request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, agents, signal, body = [] } = request;
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  const headers = { ...request.headers, ...(method === 'GET' ? {} : { 'content-length': String(length) }) };
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? https.request : http.request;
    const outgoing = open(url, {
      method,
      headers,
      agent: agents.for(url),
      ...(signal === undefined ? {} : { signal }),
    });
    let answered = false;
    outgoing.on('error', (error) => {
      // A server may reject the body before it has read all of it: its response says more than the broken pipe.
      if (!answered) reject(error);
    });
    outgoing.on('response', (incoming) => {
      answered = true;
      readAnswer(incoming).then(resolve, reject);
    });
    void writeBody(outgoing, body);
  });
}

async function writeBody(outgoing: ClientRequest, body: readonly Uint8Array[]): Promise<void> {
  for (const piece of body) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(piece)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.on('drain', done);
    outgoing.on('close', done);
  });
}

async function readAnswer(incoming: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  // The response stream has no element type; without an encoding it yields buffers.
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) };
}
