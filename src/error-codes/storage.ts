import {
  type ErrorEntry,
  inUse,
  PASSES,
  tableFails,
  tableFailsForNow,
  unexpected,
  unreachable,
  unreachableForNow,
  usage,
} from './entry.js';

/** Files, directories, and what all stores share. */
export const STORAGE_CODES = {
  DANGLING_LINK: usage('The destination is a symbolic link to something that does not exist'),
  DIRECTORY_NOT_MADE: unreachable('The destination does not exist and cannot be created'),
  DISK_ERROR: tableFails('The disk reported an error'),
  DISK_FULL: tableFails('There is no space left on the disk'),
  DISK_QUOTA_EXCEEDED: tableFails('The quota of the user on the disk is used up'),
  FILE_IN_USE: tableFailsForNow('Another program has the file open', PASSES),
  FILE_TOO_LARGE: tableFails('The file system does not take files of this size'),
  IS_A_DIRECTORY: usage('There is a directory where a file is needed'),
  METADATA_IN_THE_WAY: tableFails('Another file lies where a document of the Common Data Model belongs'),
  LINK_LOOP: usage('Symbolic links lead in a circle'),
  NOT_A_DIRECTORY: usage('There is a file where a directory is needed'),
  OTHER_FILE_SYSTEM: usage('A part of the destination lies on another file system'),
  PATH_IN_THE_WAY: tableFails('A directory lies where a file of the table belongs'),
  PATH_TOO_LONG: usage('A path is longer than the file system allows'),
  TOO_MANY_OPEN_FILES: tableFailsForNow('The process or the machine has too many open files', PASSES),
  UNSAFE_PATH: unexpected('A path would lead out of the destination'),
  STORAGE_ACCESS_DENIED: unreachable('The user may not write to the directory, or not read a file'),
  STORAGE_CA_UNREADABLE: usage('The certificate authorities of a storage entry cannot be read'),
  STORAGE_ENDPOINT_INVALID: usage('The endpoint of a storage entry is not an http or https address'),
  STORAGE_FAILED: tableFails('A file cannot be written or read'),
  STORAGE_PATH_GONE: tableFailsForNow('A directory disappeared while files were written to it'),
  STORAGE_PLAIN_HTTP: usage('The endpoint of a storage entry is plain http'),
  STORAGE_PROBE_FAILED: unreachable('The storage did not give back what was written to it'),
  STORAGE_PROXY_INVALID: usage('The proxy of a storage entry is no http or https address'),
  STORAGE_READ_ONLY: unreachable('The file system is read-only'),
  TARGET_CHANGED: inUse('Somebody else changed the files of a table while it was published'),
  SYNC_OVERTAKEN: tableFails('Another run has published a sync of the table since this one was planned'),
  PUBLISH_INCOMPLETE: tableFails('Publishing stopped between the files of a table'),
  STAGED_ELSEWHERE: unexpected('A staged file belongs to another store or bucket'),
  STAGED_PART_GONE: tableFails('A staged file disappeared before it was published'),
  STAGED_SIZE_DIFFERS: tableFails('The store took another number of bytes than were written'),
  PART_OF_OTHER_DIRECTORY: unexpected('A staged file belongs to another directory'),

  PROXY_CERTIFICATE_NOT_TRUSTED: unreachable('The certificate of the proxy is not trusted'),
  PROXY_FAILED: unreachableForNow('The proxy could not reach the store'),
  PROXY_LOGIN_NEEDED: unreachable('The proxy asks for other credentials'),
  PROXY_REFUSED: unreachable('The proxy refuses to connect to the store'),
  PROXY_UNREACHABLE: unreachableForNow('The proxy cannot be reached'),
  TLS_CERTIFICATE_EXPIRED: unreachable('The certificate of the store has expired'),
  TLS_CERTIFICATE_NOT_TRUSTED: unreachable('The certificate of the store is not trusted'),
  TLS_CERTIFICATE_NOT_YET_VALID: unreachable('The certificate of the store is not valid yet'),
  TLS_CERTIFICATE_OF_OTHER_HOST: unreachable('The certificate of the store was made for another host'),
  TLS_NOT_SPOKEN: unreachable('What answers at the address of the store does not speak TLS'),
} as const;

/** Network errors that every store has, under its prefix. */
const NETWORK = {
  CONNECTION_LOST: unreachableForNow('The connection to the store was cut', PASSES),
  CONNECTION_REFUSED: unreachableForNow('The store refused the connection', PASSES),
  CREDENTIALS_EXPIRED: unreachable('The temporary credentials of the storage entry have expired'),
  HOST_NOT_RESOLVED: unreachableForNow('The name server did not answer for the host of the store', PASSES),
  NOT_THE_SERVICE: unreachableForNow('Something other than the store answers at its address'),
  TIMED_OUT: unreachableForNow('The store did not answer in time', PASSES),
  UNKNOWN_HOST: unreachableForNow('The host of the store does not exist'),
  UNREACHABLE: unreachableForNow('There is no route to the host of the store', PASSES),
} as const;

/** Prefixes of the codes of stores that are reached over the network. */
export type StorePrefix = 'S3' | 'GCS' | 'AZURE';

type NetworkCodes<Prefix extends StorePrefix> = Readonly<Record<`${Prefix}_${keyof typeof NETWORK}`, ErrorEntry>>;

export function networkCodes<Prefix extends StorePrefix>(prefix: Prefix): NetworkCodes<Prefix> {
  const codes = Object.entries(NETWORK).map(([suffix, entry]) => [`${prefix}_${suffix}`, entry]);
  // These are exactly the names that were built.
  return Object.fromEntries(codes) as NetworkCodes<Prefix>;
}
