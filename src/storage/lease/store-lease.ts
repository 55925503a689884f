import { currentProcess, type ProcessIdentity, stateOf } from '../../runtime/process-identity.js';
import { newNonce } from '../nonce.js';
import type { LeaseClient, Listing } from '../object-client.js';
import type { RunIdentity, SweepOptions } from '../storage.js';
import { isDenied } from './denied.js';
import { DirectoryLocks } from './directory-locks.js';
import { SILENCE_MS } from './lease-times.js';
import { StoreLocks } from './lock-objects.js';
import { type Marker, markerLine, parseMarker } from './marker.js';
import { claimPath, markerPath, OWN_DIRECTORY, ownObjects, type OwnObject } from './own-paths.js';
import { runIsActive } from './run-is-active.js';
import { RunLease } from './run-lease.js';

export interface StoreLeaseOptions {
  readonly client: LeaseClient;
  /** Removes what runs have staged, as far as their own objects reveal it. Returns the number of parts. */
  readonly withdraw: (own: readonly OwnObject[], options: Withdrawal) => Promise<number>;
  readonly run: RunIdentity;
  readonly ignoresCase?: boolean | undefined;
}

/** How parts are withdrawn. */
export interface Withdrawal {
  /** Only counts. */
  readonly isDryRun: boolean;
}

interface Holder {
  readonly process: ProcessIdentity;
  /** 16 hexadecimal digits. */
  readonly holder: string;
}

/**
 * This process's run in a store: its marker with heartbeats, its locks, and its right to remove what dead runs left. Ages
 * use the store's clock only, so differences between machines' clocks do not matter.
 */
export class StoreLease {
  readonly locks: DirectoryLocks;
  readonly #options: StoreLeaseOptions;
  readonly #client: LeaseClient;
  readonly #runId: string;
  readonly #self: Holder;
  readonly #lease: RunLease;

  private constructor(options: StoreLeaseOptions, self: Holder) {
    const { client, run, ignoresCase } = options;
    const { runId, onLost, findPublisher } = run;
    this.#options = options;
    this.#client = client;
    this.#runId = runId;
    this.#self = self;
    this.locks = new DirectoryLocks({
      runId,
      process: self.process,
      notes: new StoreLocks(client, { runId, holder: self.holder }),
      ignoresCase,
      display: (path) => client.display(path),
      findPublisher,
    });
    this.#lease = new RunLease({ claims: this.locks, beat: () => this.#beat(), onLost });
  }

  /**
   * Keeps what a dead process staged under the same run id, since this process may resume the run.
   * @throws LakeportError `RUN_IS_ACTIVE` if another process is writing under this run's id
   */
  static async begin(options: StoreLeaseOptions): Promise<StoreLease> {
    const self = { process: await currentProcess(), holder: newNonce() };
    await introduce(options, self);
    return new StoreLease(options, self);
  }

  /** See `Storage.confirmClaim`. */
  confirm(): Promise<void> {
    return this.#lease.confirm();
  }

  /** Like `confirm`, but always asks: something has indicated that the claim is gone. */
  recheck(): Promise<void> {
    return this.#lease.recheck();
  }

  /** Path of the object with this process's locks. */
  get claimPath(): string {
    return claimPath(this.#runId, this.#self.holder);
  }

  /**
   * Removes what dead runs staged, and their own objects. Returns the number of staged parts. An object that cannot be
   * removed does not prevent removing the rest.
   * @throws the first error, after everything else was removed
   */
  async sweep({ runIds, isDryRun = false }: SweepOptions = {}): Promise<number> {
    const listing = await this.#client.list(OWN_DIRECTORY);
    const all = ownObjects(listing.objects);
    const errors: unknown[] = [];
    let removed = 0;
    for (const runId of new Set(all.map((one) => one.runId))) {
      if (runId === this.#runId || runIds?.has(runId) === false) continue;
      const own = all.filter((one) => one.runId === runId);
      try {
        if (await isDead(this.#client, own, listing)) removed += await this.#remove(own, { isDryRun });
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return removed;
  }

  /** Removes everything that this run still has staged, whichever thread or process staged it, and its own objects. */
  async end(): Promise<void> {
    await this.#lease.stop();
    // Staged parts and the marker belong to the other process.
    if (this.locks.isOvertaken || (this.#lease.isLost && !(await this.#isOwnMarker()))) return;
    const { objects } = await this.#client.list(OWN_DIRECTORY);
    try {
      await this.#remove(ownObjects(objects).filter(({ runId }) => runId === this.#runId));
    } catch (error) {
      if (this.#client.mayLackDeletion !== true || !isDenied(error)) throw error;
      await this.locks.giveBack();
      await this.#client.put(markerPath(this.#runId), Buffer.from(lineOf(this.#options, this.#self, { ended: true })));
    }
  }

  /** Leaves everything as it is, as if the process were killed. */
  abandon(): void {
    this.#lease.abandon();
  }

  async #beat(): Promise<void> {
    const path = markerPath(this.#runId);
    await (this.#client.append?.(path, '\n') ?? this.#client.put(path, Buffer.from(lineOf(this.#options, this.#self))));
  }

  /** False if another process of this run has replaced it. */
  async #isOwnMarker(): Promise<boolean> {
    const content = (await this.#client.read(markerPath(this.#runId)))?.content;
    return content === undefined || parseMarker(content).holder === this.#self.holder;
  }

  async #remove(own: readonly OwnObject[], withdrawal: Withdrawal = { isDryRun: false }): Promise<number> {
    const removed = await this.#options.withdraw(own, withdrawal);
    if (withdrawal.isDryRun) return removed;
    // Markers last: while they exist, the rest is known to belong to that run.
    const paths = (...kinds: readonly OwnObject['kind'][]) =>
      own.filter(({ kind }) => kinds.includes(kind)).map(({ path }) => path);
    await this.#client.remove([...paths('claim', 'uploads'), ...paths('marker')]);
    return removed;
  }
}

/** Writes the marker of this process, unless another process of the run is alive. */
async function introduce(options: StoreLeaseOptions, self: Holder): Promise<void> {
  const { client, run } = options;
  const path = markerPath(run.runId);
  const line = lineOf(options, self);
  // If the store has no earlier layout, a single request shows that there is no marker.
  if (client.hasEarlierLayout !== true && (await client.create(path, Buffer.from(line)))) return;
  const listing = await client.list(OWN_DIRECTORY);
  const own = ownObjects(listing.objects).filter(({ runId }) => runId === run.runId);
  const markers = own.filter(({ kind }) => kind === 'marker');
  for (const marker of markers) {
    const content = await readMarker(client, marker);
    if (!(await isMarkerDead(content, listing.now - marker.modifiedAt))) {
      throw runIsActive(run.runId, { process: content?.process, marker: client.display(marker.path) });
    }
  }
  // Before the run becomes live again, and with it the claims of its processes.
  const claims = own.filter(({ kind }) => kind === 'claim').map((claim) => claim.path);
  if (claims.length > 0) await client.remove(claims);
  if (markers.some((marker) => marker.path === path)) {
    await (client.append?.(path, `\n${line}`) ?? client.put(path, Buffer.from(line)));
  } else if (!(await client.create(path, Buffer.from(line)))) {
    throw runIsActive(run.runId, { process: undefined, marker: client.display(path) });
  }
}

function lineOf({ run }: StoreLeaseOptions, self: Holder, state: { readonly ended?: true } = {}): string {
  return markerLine({ ...self, directory: run.directory, ...state });
}

/** @param own all objects of one run */
async function isDead(client: LeaseClient, own: readonly OwnObject[], { now }: Listing): Promise<boolean> {
  const silentMs = now - Math.max(...own.map(({ modifiedAt }) => modifiedAt));
  const markers = own.filter(({ kind }) => kind === 'marker');
  if (markers.length === 0) return silentMs > SILENCE_MS;
  for (const marker of markers) {
    if (!(await isMarkerDead(await readMarker(client, marker), silentMs))) return false;
  }
  return true;
}

/** @param silentMs time since the run's last heartbeat */
async function isMarkerDead(marker: Marker | undefined, silentMs: number): Promise<boolean> {
  if (marker?.isEnded === true) return true;
  const state = marker?.process === undefined ? 'unknown' : await stateOf(marker.process);
  return state === 'unknown' ? silentMs > SILENCE_MS : state === 'dead';
}

async function readMarker(client: LeaseClient, { path }: OwnObject): Promise<Marker | undefined> {
  const content = (await client.read(path))?.content;
  return content === undefined ? undefined : parseMarker(content);
}
