import { once } from 'node:events';
import { isIP } from 'node:net';
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { LakeportError } from '../../../errors.js';
import { displayAddress, type PostgresSettings } from './settings.js';
import { tlsOptions } from './tls-options.js';

/**
 * Connections that start with TLS, without PostgreSQL's own request for it: `sslnegotiation=direct` in libpq, taken by
 * PostgreSQL 17 and later. See "SSL Session Encryption" in the manual's chapter on the protocol.
 */

/** PostgreSQL's name when the handshake chooses a protocol (ALPN). Without it, the server closes the connection. */
const PROTOCOL = 'postgresql';

/** A server that expects PostgreSQL's request closes the connection, or answers in plain text. */
const OTHER_PROTOCOL =
  /^(ECONNRESET|ECONNABORTED|EPIPE|EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|ERR_SSL_(TLSV1_ALERT|SSLV3_ALERT|SSL\/TLS_ALERT)_NO_APPLICATION_PROTOCOL)$/;

/** Starts connecting. @param open `tls.connect` by default */
export function openDirectTls(
  settings: PostgresSettings,
  open: (options: ConnectionOptions) => TLSSocket = connect,
): TLSSocket {
  const { server, port, hostaddr } = settings;
  return open({
    // The certificate is for the name, also if `hostaddr` is given.
    checkServerIdentity: (_, certificate) => checkServerIdentity(server, certificate),
    ...tlsOptions(settings),
    host: hostaddr ?? server,
    port,
    // RFC 6066 allows no addresses here.
    ...(isIP(server) === 0 && { servername: server }),
    ALPNProtocols: [PROTOCOL],
  });
}

/**
 * Waits for the end of the handshake.
 * @throws LakeportError if whatever answers does not confirm that it speaks PostgreSQL's protocol after it
 */
export async function completeHandshake(socket: TLSSocket, settings: PostgresSettings): Promise<void> {
  try {
    await once(socket, 'secureConnect');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (!OTHER_PROTOCOL.test(code)) throw thrown;
    throw notTaken(settings, 'the server does not accept connections that start with TLS', thrown);
  }
  if (socket.alpnProtocol !== PROTOCOL) {
    throw notTaken(settings, `the server did not confirm the protocol "${PROTOCOL}" in the TLS handshake`);
  }
}

/** Makes a connected socket look to the driver like one that it has to connect. */
export function asUnconnected(socket: TLSSocket): void {
  socket.connect = () => {
    process.nextTick(() => socket.emit('connect'));
    return socket;
  };
}

function notTaken(settings: PostgresSettings, problem: string, cause?: unknown): LakeportError {
  return new LakeportError({
    code: 'SOURCE_TLS_REFUSED',
    message: `Cannot connect to ${displayAddress(settings)}: ${problem}`,
    hint: 'sslnegotiation=direct needs PostgreSQL 17 or later with TLS turned on, and whatever is in between must pass on its ALPN; otherwise leave it out',
    context: { entry: settings.entryId, detail: 'ssl_negotiation' },
    transient: cause !== undefined,
    cause,
  });
}
