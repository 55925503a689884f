import { isIP } from 'node:net';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import type * as tedious from 'tedious';
import type { Connection, ConnectionConfiguration } from 'tedious';

import { watchGreeting } from './greeting.js';
import type { MssqlSettings } from './settings.js';

/** The driver, which is loaded when it is needed. */
export type Tedious = typeof tedious;

/**
 * The driver's connection to where the settings say, not connected yet. Whoever connects adds what the sessions are for.
 * @param options of the driver, besides those that the settings decide
 */
export function driverConnection(
  driver: Tedious,
  settings: MssqlSettings,
  options: NonNullable<ConnectionConfiguration['options']>,
): Connection {
  const { server, instance, port, database, authentication } = settings;
  const connection = new driver.Connection({
    server,
    // Plain data, so that it travels to workers; the driver checks that it is one of its own kinds.
    authentication: authentication as unknown as NonNullable<ConnectionConfiguration['authentication']>,
    options: {
      ...(instance === undefined ? { port: port ?? 1433 } : { instanceName: instance }),
      ...(database !== undefined && { database }),
      encrypt: settings.encrypt,
      trustServerCertificate: settings.trustServerCertificate,
      ...(settings.certificateName !== undefined && { serverName: settings.certificateName }),
      ...(settings.authorities.length > 0 && { cryptoCredentialsDetails: { ca: [...settings.authorities] } }),
      multiSubnetFailover: settings.multiSubnetFailover,
      connectTimeout: settings.connectTimeoutMs,
      appName: 'lakeport',
      ...options,
    },
  });
  // Without a listener, a connection lost while idle would end the process.
  connection.on('error', () => undefined);
  if (settings.encrypt !== 'strict') watchGreeting(connection, settings);
  connection.performTlsNegotiation = tlsNegotiation(connection, settings);
  return connection;
}

/**
 * The driver's own, but for two things. It would go on without TLS where the server offers none, and send the password
 * for anybody to read; and it would send an address as the name of the server, of which TLS knows none (RFC 6066, 3).
 */
function tlsNegotiation(connection: Connection, settings: MssqlSettings): Connection['performTlsNegotiation'] {
  const negotiate = connection.performTlsNegotiation.bind(connection);
  return (answer, signal) => {
    const isOffered = answer.encryptionString === 'ON' || answer.encryptionString === 'REQ';
    if (!isOffered && settings.encrypt === true) {
      return Promise.reject(Object.assign(new Error('the server offers no encryption'), { code: 'EENCRYPT' }));
    }
    const { messageIo } = connection;
    const startTls = messageIo.startTls.bind(messageIo);
    messageIo.startTls = async (credentials, host, trustsAny) => {
      if (isIP(host) === 0) return startTls(credentials, host, trustsAny);
      // Node would compare the certificate with another name, so that is left to us; nothing has been sent by then.
      await startTls(credentials, '', true);
      const socket = messageIo.securePair?.cleartext;
      if (!trustsAny && socket !== undefined) checkAddress(socket, host);
    };
    return negotiate(answer, signal);
  };
}

/** @throws Node's own errors, where the certificate is not trusted or not for this address */
function checkAddress(socket: TLSSocket, address: string): void {
  // In Node's types an error; it is the error's code, and that of the name only where all else is right.
  const code = socket.authorizationError as unknown;
  if (!socket.authorized && code !== 'ERR_TLS_CERT_ALTNAME_INVALID') {
    throw Object.assign(new Error(`the certificate of the server is not trusted (${String(code)})`), { code });
  }
  const mismatch = checkServerIdentity(address, socket.getPeerCertificate());
  if (mismatch !== undefined) throw mismatch;
}
