import type { ErrorKind } from '../errors/error-kind.js';

const REJECTED: ErrorKind = {
  code: 'SOURCE_PASSWORD_REJECTED',
  hint: 'Correct "username" and "password" of the entry; the server\'s error log records the reason as the state',
};
const EXPIRED: ErrorKind = {
  code: 'SOURCE_PASSWORD_EXPIRED',
  hint: 'Change the password (ALTER LOGIN ... WITH PASSWORD), and that of the entry with it',
};
const DENIED: ErrorKind = {
  code: 'SOURCE_ACCESS_DENIED',
  hint: 'Grant this login access, or use another "username" or "database" in the entry',
};
const NO_DATABASE: ErrorKind = {
  code: 'SOURCE_DATABASE_UNKNOWN',
  hint: 'Correct "database" of the entry, or --source-db-name; the login needs a user in that database',
};
const DATABASE_CLOSED: ErrorKind = {
  code: 'SOURCE_DATABASE_UNAVAILABLE',
  hint: 'See sys.databases for the state of the database',
  transient: true,
};
const BUSY: ErrorKind = {
  code: 'SOURCE_TOO_MANY_CONNECTIONS',
  hint: 'Lower --n-jobs and --parallel, or raise the limit of the server',
  transient: true,
};
const SHUT_DOWN: ErrorKind = {
  code: 'SOURCE_SHUT_DOWN',
  hint: "See the server's error log",
  transient: true,
};
const STARTING: ErrorKind = {
  ...SHUT_DOWN,
  code: 'SOURCE_STARTING',
  hint: 'Wait until the server accepts connections',
};
const MOVED: ErrorKind = {
  ...DATABASE_CLOSED,
  code: 'SOURCE_FAILING_OVER',
  hint: 'Wait until the failover is complete, then run again',
};
const TABLE_DENIED: ErrorKind = { code: 'TABLE_PERMISSION_DENIED' };
const CHANGED: ErrorKind = {
  code: 'TABLE_CHANGED',
  hint: 'Its shape changed in the meantime; run again',
};
const VALUE: ErrorKind = {
  code: 'SOURCE_VALUE_ERROR',
  hint: 'A computed column or a view fails on some row: fix it, or leave the table out with --exclude',
};
const CONVERSION: ErrorKind = {
  code: 'TYPE_NOT_READABLE',
  hint: 'Export a view that converts the column (with --include-views)',
};
const RESOURCES: ErrorKind = {
  code: 'SOURCE_OUT_OF_RESOURCES',
  hint: "See the server's error log",
  transient: true,
};
const GOVERNED: ErrorKind = { ...RESOURCES, hint: 'Lower --n-jobs and --parallel, or choose a larger service tier' };
const MOVED_ROWS: ErrorKind = { code: 'SOURCE_CONFLICT', transient: true };
const CORRUPT: ErrorKind = {
  code: 'TABLE_DAMAGED',
  hint: 'Run DBCC CHECKDB on the database',
};
const VERSIONS_LOST: ErrorKind = {
  code: 'SNAPSHOT_LOST',
  hint: 'Enlarge tempdb (or the persistent version store), which is too small for a snapshot of this length, or pass --consistency none',
};
const SNAPSHOT_REFUSED: ErrorKind = {
  code: 'SNAPSHOT_NOT_ALLOWED',
  hint: 'ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON for the database named in the message, or pass --consistency none',
};

/** By number in `sys.messages`. */
const NUMBERS: Readonly<Record<number, ErrorKind>> = {
  18456: REJECTED,
  18452: {
    ...DENIED,
    hint: 'The login belongs to a Windows domain: give "domain" in the entry, or use a login of SQL Server',
  },
  18461: DENIED,
  18470: { ...DENIED, code: 'SOURCE_LOGIN_DISABLED', hint: 'ALTER LOGIN ... ENABLE' },
  18486: { ...DENIED, code: 'SOURCE_LOGIN_LOCKED', hint: 'ALTER LOGIN ... WITH PASSWORD = ... UNLOCK' },
  18487: EXPIRED,
  18488: EXPIRED,
  916: NO_DATABASE,
  911: NO_DATABASE,
  // Also sent by a server that has started and is still recovering the database.
  4060: { ...NO_DATABASE, transient: true },
  4063: NO_DATABASE,
  4064: { ...NO_DATABASE, hint: 'The login\'s default database cannot be opened: give "database" in the entry' },
  40532: NO_DATABASE,
  40615: { ...DENIED, hint: "Allow the address of this machine in the server's firewall" },
  40914: { ...DENIED, hint: "Allow the subnet of this machine in the server's firewall" },
  921: DATABASE_CLOSED,
  922: DATABASE_CLOSED,
  926: DATABASE_CLOSED,
  927: DATABASE_CLOSED,
  942: DATABASE_CLOSED,
  945: DATABASE_CLOSED,
  952: DATABASE_CLOSED,
  976: {
    ...DATABASE_CLOSED,
    hint: 'Connect to the primary, or to a readable secondary with ApplicationIntent=ReadOnly',
  },
  978: {
    ...DATABASE_CLOSED,
    hint: 'The secondary only accepts ApplicationIntent=ReadOnly: set it in "connection_string"',
  },
  983: MOVED,
  988: MOVED,
  // An availability group or a cloud service moves the database to another machine.
  615: MOVED,
  982: MOVED,
  4221: MOVED,
  40143: MOVED,
  40166: MOVED,
  40197: MOVED,
  40540: MOVED,
  40613: MOVED,
  40501: BUSY,
  49918: BUSY,
  49919: BUSY,
  49920: BUSY,
  10928: BUSY,
  10929: BUSY,
  10936: BUSY,
  17197: BUSY,
  17300: BUSY,
  17809: BUSY,
  17142: { ...SHUT_DOWN, code: 'SOURCE_PAUSED' },
  17187: STARTING,
  17188: SHUT_DOWN,
  18401: STARTING,
  596: { ...SHUT_DOWN, code: 'SOURCE_SESSION_KILLED' },
  6005: SHUT_DOWN,
  229: TABLE_DENIED,
  230: TABLE_DENIED,
  208: {
    code: 'TABLE_NOT_FOUND',
    hint: 'The object was dropped or renamed: run again, or correct the view that reads it',
  },
  207: { ...CHANGED, hint: 'The columns have changed: run again, or correct the view that names the column' },
  3961: CHANGED,
  4413: { ...VALUE, code: 'VIEW_BROKEN', hint: 'Correct the view, or leave it out with --exclude' },
  4502: { ...VALUE, code: 'VIEW_BROKEN', hint: 'Correct the view, or leave it out with --exclude' },
  1222: {
    code: 'TABLE_LOCKED',
    message: 'Another session holds a lock that the read waits for',
    hint: 'End that session (see sys.dm_tran_locks and sys.dm_exec_requests), or raise --lock-timeout',
    transient: true,
  },
  1205: { code: 'SOURCE_DEADLOCK', transient: true },
  601: MOVED_ROWS,
  // From memory-optimized tables, whose transactions depend on others that may fail.
  41301: MOVED_ROWS,
  41305: MOVED_ROWS,
  41325: MOVED_ROWS,
  41839: MOVED_ROWS,
  3952: SNAPSHOT_REFUSED,
  3958: VERSIONS_LOST,
  3959: VERSIONS_LOST,
  3966: VERSIONS_LOST,
  3967: VERSIONS_LOST,
  245: VALUE,
  220: VALUE,
  8114: VALUE,
  8115: VALUE,
  8134: VALUE,
  241: VALUE,
  242: VALUE,
  529: CONVERSION,
  6522: CONVERSION,
  701: RESOURCES,
  802: RESOURCES,
  1204: RESOURCES,
  8628: RESOURCES,
  8651: RESOURCES,
  40550: GOVERNED,
  40551: GOVERNED,
  40552: GOVERNED,
  40553: GOVERNED,
  1105: RESOURCES,
  8645: RESOURCES,
  9002: RESOURCES,
  605: CORRUPT,
  823: CORRUPT,
  824: CORRUPT,
  825: CORRUPT,
};

export function kindOfNumber(number: number): ErrorKind {
  return NUMBERS[number] ?? { code: 'SOURCE_QUERY_FAILED' };
}
