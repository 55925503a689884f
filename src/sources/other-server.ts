/** Recognizes servers that an address may lead to by mistake, by the first bytes that they send. */

/** The kind of server that sends these first bytes, if it is known to be neither of the databases. */
export function otherServer(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  if (text.startsWith('HTTP/') || /^<(!doctype|html)/i.test(text)) return 'an HTTP server';
  if (text.startsWith('SSH-')) return 'an SSH server';
  if (/^220[ -]/.test(text)) return 'a mail or FTP server';
  if (/^[-+](ERR|OK|NOAUTH|DENIED)/.test(text)) return 'Redis or a mail server';
  // A three-byte length, sequence number 0, then protocol version 10 or an error.
  if (bytes.length > 5 && bytes.readUIntLE(0, 3) <= 1024 && bytes[3] === 0 && (bytes[4] === 10 || bytes[4] === 0xff)) {
    return 'MySQL or MariaDB';
  }
  // A TLS alert or handshake (record type, major version 3), sent to a client that has not started TLS.
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return 'a server that speaks TLS from the start';
  return undefined;
}

/** A TDS response, which SQL Server sends to any request (MS-TDS 2.2.3.1: type 4, status "end of message"). */
export function isTabularResult(bytes: Buffer): boolean {
  return bytes[0] === 4 && bytes.length >= 8 && bytes.readUInt16BE(2) >= 8 && bytes[1] === 1;
}
