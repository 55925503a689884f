import { isIP } from 'node:net';
import type * as tedious from 'tedious';
import type { Connection, ConnectionConfiguration } from 'tedious';

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
      // TLS knows no server names that are addresses; which name it is matters only where it is checked.
      ...(settings.trustServerCertificate && isIP(server) !== 0 && { serverName: 'localhost' }),
      multiSubnetFailover: settings.multiSubnetFailover,
      connectTimeout: settings.connectTimeoutMs,
      appName: 'lakeport',
      ...options,
    },
  });
  // Without a listener, a connection lost while idle would end the process.
  connection.on('error', () => undefined);
  if (settings.encrypt === true) insistOnTls(connection);
  return connection;
}

/** The driver would go on without TLS where the server offers none, and send the password for anybody to read. */
function insistOnTls(connection: Connection): void {
  const negotiate = connection.performTlsNegotiation.bind(connection);
  connection.performTlsNegotiation = (answer, signal) => {
    if (answer.encryptionString === 'ON' || answer.encryptionString === 'REQ') return negotiate(answer, signal);
    return Promise.reject(Object.assign(new Error('the server offers no encryption'), { code: 'EENCRYPT' }));
  };
}
