import { inUse, unexpected, unreachable, unreachableForNow, usage } from './entry.js';
import type { ErrorEntry } from './entry.js';

function signal(exit: 'hung-up' | 'interrupted' | 'terminated', meaning: string): ErrorEntry {
  return { exit, passes: 'no', meaning };
}

/** Runs, the run log and the demonstration. */
export const RUN_CODES = {
  SIGINT: signal('interrupted', 'SIGINT (Ctrl-C) ended the command'),
  SIGTERM: signal('terminated', 'SIGTERM ended the command'),
  SIGHUP: signal('hung-up', 'The terminal was closed (SIGHUP)'),
  INTERRUPTED: signal('interrupted', 'The caller ended the run'),
  CLAIM_LOST: inUse('The lock of the destination was lost: another process may write there'),
  TARGET_IN_USE: inUse('Another run is writing to the same place'),
  RUN_IS_ACTIVE: inUse('Another process is writing this run'),
  RUN_HELD: inUse('The run is in progress in another process'),
  RUN_TAKEN: inUse('Another process has taken over this run or its stored sync; it ends here'),
  RUN_FINISHED: usage('The run is complete: there is nothing to resume'),
  RUN_ID_AMBIGUOUS: usage('More than one run begins with this id'),
  RUN_ID_EXISTS: usage('The run log has a run of this id already'),
  RUN_NOT_FINISHED: usage('The run is not finished, so its metadata cannot be written'),
  RUN_NOT_RESUMABLE: usage('The record of the run does not hold what a resume needs'),
  RUN_WITHOUT_MANIFESTS: usage('The run wrote no manifests, from which metadata is made'),
  RUN_WITHOUT_TABLES: usage('The run has published no table'),
  RUN_UNKNOWN: usage('The run log has no such run'),
  RUN_ELSEWHERE: usage('A storage of the run cannot be found where the run wrote to it'),
  RESUME_ELSEWHERE: usage('A storage leads elsewhere than when the run began'),
  RESUME_OTHER_SALT: usage('The salt of masks is another than when the run began'),
  TABLE_GONE: usage('The files of a published table, or its manifest, are gone'),
  NEWER_EXPORT: usage('A later run has exported a table to the same place'),

  SYNC_EXISTS: usage('The run log has a stored sync of this id already'),
  SYNC_NOT_NAMED: usage('The run log has no stored sync, or several of which none is named'),
  SYNC_NOT_READABLE: usage('The flags of the stored sync cannot be used'),
  SYNC_RUNNING: inUse('A run of the stored sync is in progress in another process'),
  SYNC_UNKNOWN: usage('The run log has no such stored sync'),
  WORKERS_NEED_NODE: usage('Node.js is too old for workers on other machines'),
  WORKERS_NEED_LOG: usage('Workers on other machines need a run log in PostgreSQL, which is their queue'),
  WORKERS_NOT_INSTALLED: usage('The optional package that workers on other machines need is not installed'),
  WORKER_OTHER_VERSION: usage('The worker is of another version of lakeport than the run'),
  WORKER_OTHER_SOURCE: usage(
    "The worker's auth file leads to another database server, or as another user, than the run's",
  ),
  WORKER_AFTER_RESTART: unreachable('The source has started again since the run took its snapshot'),
  WORKER_OTHER_DESTINATION: usage("The worker's auth file leads to another destination than the run's"),
  WORKER_WITHOUT_RUN: unreachable('No run has come, or come back, that the worker could read for'),
  WORKER_WITHOUT_DIRECTORY: unreachable("The directory that the run writes to is not there on the worker's machine"),
  NO_WORKERS: unreachable('No worker reads for a run whose slices are left to workers'),
  QUEUE_FAILED: unreachableForNow('The queue of slices cannot be used'),
  RUN_LOG_BUSY: unreachableForNow('The run log is locked by another process'),
  RUN_LOG_DAMAGED: unreachable('The file of the run log is damaged'),
  RUN_LOG_FAILED: unreachableForNow('The run log reported an error'),
  RUN_LOG_FULL: unreachable('There is no space left for the run log'),
  RUN_LOG_IN_USE: inUse('The log would be emptied while a run is in progress'),
  RUN_LOG_NAME_TAKEN: usage('The database of the run log has other objects of the same names'),
  RUN_LOG_NEWER: usage('The run log was made by a newer version of lakeport'),
  RUN_LOG_NOT_WRITABLE: unreachable('The run log cannot be written'),
  RUN_LOG_NOT_SUPPORTED: usage('Databases of this type cannot hold a run log'),
  RUN_LOG_NO_HOME: unreachable('The user has no home directory for the run log'),
  RUN_LOG_PERMISSION_DENIED: unreachable('The user of the run log lacks a permission'),
  RUN_LOG_TIMEOUT: unreachableForNow('The run log did not answer in time'),
  RUN_LOG_UNREACHABLE: unreachableForNow('The run log cannot be reached'),

  DEMO_NEEDS_POSTGRES: usage('The demonstration needs an embedded PostgreSQL that is not installed'),
  DEMO_POSTGRES_FAILED: unexpected('The PostgreSQL of the demonstration did not start'),
} as const;
