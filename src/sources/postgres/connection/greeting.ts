import type { Socket } from 'node:net';
import { isTabularResult, otherServer } from '../../other-server.js';

/**
 * The first bytes that a server sends, which reveal servers other than PostgreSQL: the driver would wait for the rest of
 * a message that never comes.
 */
export type Greeting =
  | { readonly kind: 'postgres' }
  | { readonly kind: 'tls refused' }
  | { readonly kind: 'tls error'; readonly message: string }
  | { readonly kind: 'other'; readonly name: string };

/** Inspects the first bytes and passes them on to the driver unchanged. @param asksForTls with the first message */
export function onGreeting(socket: Socket, asksForTls: boolean, listener: (greeting: Greeting) => void): void {
  socket.once('data', (bytes: Buffer) => listener(greetingOf(bytes, asksForTls)));
}

function greetingOf(bytes: Buffer, asksForTls: boolean): Greeting {
  const text = bytes.toString('latin1');
  const other = isTabularResult(bytes) ? 'SQL Server' : otherServer(bytes);
  if (other !== undefined) return { kind: 'other', name: other };
  const [type = ''] = text;
  if (asksForTls) {
    if (type === 'S') return { kind: 'postgres' };
    if (type === 'N') return { kind: 'tls refused' };
    if (type === 'E') return { kind: 'tls error', message: errorText(bytes) };
  }
  // Authentication, error, negotiation of the version.
  else if (/^[RENv]/.test(type)) return { kind: 'postgres' };
  return { kind: 'other', name: 'something else' };
}

/** The message field of an ErrorResponse; the whole response before version 3 of the protocol. */
function errorText(bytes: Buffer): string {
  const fields = bytes.subarray(5).toString('utf8').split('\0');
  const message = fields.find((field) => field.startsWith('M'))?.slice(1);
  const text = message ?? bytes.subarray(1).toString('utf8').split('\0')[0] ?? '';
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
