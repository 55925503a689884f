import type { Socket } from 'node:net';

/**
 * The first bytes that a server sends, by which what is no PostgreSQL shows itself: the driver would wait for the rest of
 * a message that never comes.
 */
export type Greeting =
  | { readonly kind: 'postgres' }
  | { readonly kind: 'tls refused' }
  | { readonly kind: 'tls error'; readonly message: string }
  | { readonly kind: 'other'; readonly name: string };

/** Looks at the first bytes, which go on to the driver as they came. @param asksForTls with the first message */
export function onGreeting(socket: Socket, asksForTls: boolean, listener: (greeting: Greeting) => void): void {
  socket.once('data', (bytes: Buffer) => listener(greetingOf(bytes, asksForTls)));
}

export function greetingOf(bytes: Buffer, asksForTls: boolean): Greeting {
  const text = bytes.toString('latin1');
  const other = otherServer(bytes, text);
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

function otherServer(bytes: Buffer, text: string): string | undefined {
  if (text.startsWith('HTTP/') || /^<(!doctype|html)/i.test(text)) return 'an HTTP server';
  if (text.startsWith('SSH-')) return 'an SSH server';
  if (/^220[ -]/.test(text)) return 'a mail or FTP server';
  if (/^[-+](ERR|OK|NOAUTH|DENIED)/.test(text)) return 'Redis or a mail server';
  // Length of three bytes, number 0, then version 10 of the protocol, or an error.
  if (bytes.length > 5 && bytes.readUIntLE(0, 3) <= 1024 && bytes[3] === 0 && (bytes[4] === 10 || bytes[4] === 0xff)) {
    return 'MySQL or MariaDB';
  }
  // A TLS alert or handshake (record type, major version 3), to one that has not spoken TLS yet.
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return 'a server that speaks TLS from the start';
  // TDS: a tabular result.
  if (bytes[0] === 4 && bytes.length >= 8 && bytes.readUInt16BE(2) >= 8 && bytes[1] === 1) return 'SQL Server';
  return undefined;
}

/** Of an ErrorResponse, the message field; of one from before version 3 of the protocol, all of it. */
function errorText(bytes: Buffer): string {
  const fields = bytes.subarray(5).toString('utf8').split('\0');
  const message = fields.find((field) => field.startsWith('M'))?.slice(1);
  const text = message ?? bytes.subarray(1).toString('utf8').split('\0')[0] ?? '';
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
