import { isIP } from 'node:net';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import type * as tedious from 'tedious';
import type { Connection, ConnectionConfiguration } from 'tedious';

import { watchGreeting } from './greeting.js';
import type { MssqlSettings } from './settings.js';

/** The driver, loaded on first use. */
export type Tedious = typeof tedious;

/**
 * The driver's connection for these settings, not connected yet. The caller adds the session's options.
 * @param options driver options besides those that the settings decide
 */
export function driverConnection(
  driver: Tedious,
  settings: MssqlSettings,
  options: NonNullable<ConnectionConfiguration['options']>,
): Connection {
  const { server, instance, port, database, authentication } = settings;
  const connection = new driver.Connection({
    server,
    // Plain data, so that it can be sent to workers; the driver validates the type.
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
  // Without a listener, losing an idle connection would crash the process.
  connection.on('error', () => undefined);
  if (settings.encrypt !== 'strict') watchGreeting(connection, settings);
  connection.performTlsNegotiation = tlsNegotiation(connection, settings);
  return connection;
}

/**
 * The driver's own TLS negotiation, with two differences. The driver would continue without TLS if the server offers none
 * and send the password in the clear; and it would send an IP address as SNI, which RFC 6066 (section 3) forbids.
 */
function tlsNegotiation(connection: Connection, settings: MssqlSettings): Connection['performTlsNegotiation'] {
  const negotiate = connection.performTlsNegotiation.bind(connection);
  return (answer, signal) => {
    const isOffered = answer.encryptionString === 'ON' || answer.encryptionString === 'REQ';
    if (!isOffered && settings.encrypt === true) {
      return Promise.reject(Object.assign(new Error('The server offers no encryption'), { code: 'EENCRYPT' }));
    }
    const { messageIo } = connection;
    const startTls = messageIo.startTls.bind(messageIo);
    messageIo.startTls = async (credentials, host, trustsAny) => {
      if (isIP(host) === 0) return startTls(credentials, host, trustsAny);
      // Node would check the certificate against the wrong name, so the check is done here; nothing has been sent yet.
      await startTls(credentials, '', true);
      const socket = messageIo.securePair?.cleartext;
      if (!trustsAny && socket !== undefined) checkAddress(socket, host);
    };
    return negotiate(answer, signal);
  };
}

/** @throws Node's own errors if the certificate is not trusted or does not match the address */
function checkAddress(socket: TLSSocket, address: string): void {
  // Typed as an error, but it is the error's code; that of the host name only shows if everything else is right.
  const code = socket.authorizationError as unknown;
  if (!socket.authorized && code !== 'ERR_TLS_CERT_ALTNAME_INVALID') {
    throw Object.assign(new Error(`The certificate of the server is not trusted (${String(code)})`), { code });
  }
  const mismatch = checkServerIdentity(address, socket.getPeerCertificate());
  if (mismatch !== undefined) throw mismatch;
}
