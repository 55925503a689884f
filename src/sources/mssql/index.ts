import type { MssqlInfo } from '../../auth/entries.js';
import type { SourceEngine } from '../source.js';

/** SQL Server 2012 and later, and what speaks its protocol. What needs the driver is loaded when a connection is wanted. */
export const mssql: SourceEngine = {
  async open(connection, options) {
    const [{ mssqlSettings }, { openMssqlSource }] = await Promise.all([
      import('./settings.js'),
      import('./source.js'),
    ]);
    // The auth file's schema has validated it.
    const settings = await mssqlSettings(connection as MssqlInfo, options);
    return openMssqlSource(settings, options);
  },

  async openReader(settings, snapshot) {
    const { openMssqlReader } = await import('./reader.js');
    return openMssqlReader(settings, snapshot);
  },
};
