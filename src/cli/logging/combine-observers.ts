import type { RunObserver } from '../../export/model/observer.js';

/** One observer that calls all of them, in order. */
export function combineObservers(...observers: readonly RunObserver[]): Required<RunObserver> {
  return {
    message: (level, text, fields) => observers.forEach((observer) => observer.message?.(level, text, fields)),
    planned: (plan) => observers.forEach((observer) => observer.planned?.(plan)),
    replanned: (plan) => observers.forEach((observer) => observer.replanned?.(plan)),
    snapshotTakenOver: (held) => observers.forEach((observer) => observer.snapshotTakenOver?.(held)),
    tableStarted: (table) => observers.forEach((observer) => observer.tableStarted?.(table)),
    tableProgress: (table, progress) => observers.forEach((observer) => observer.tableProgress?.(table, progress)),
    sliceStarted: (table, slice) => observers.forEach((observer) => observer.sliceStarted?.(table, slice)),
    sliceStaged: (table, slice, outcome) =>
      observers.forEach((observer) => observer.sliceStaged?.(table, slice, outcome)),
    sliceFailed: (table, slice, failure) =>
      observers.forEach((observer) => observer.sliceFailed?.(table, slice, failure)),
    tablePublished: (table, files) => observers.forEach((observer) => observer.tablePublished?.(table, files)),
    tableEnded: (result) => observers.forEach((observer) => observer.tableEnded?.(result)),
    tableFailed: (table, error) => observers.forEach((observer) => observer.tableFailed?.(table, error)),
    ended: (result) => observers.forEach((observer) => observer.ended?.(result)),
  };
}
