import { execFileSync, spawn } from 'node:child_process';

import { saySkipped } from './skipped.js';

/** Another machine, as far as the network is concerned: Linux, and only for root. */
export interface NetworkNamespace {
  /** This machine's address, as it is reached from there. */
  readonly host: string;
  /** Starts a program there: followed by its name and arguments. */
  readonly within: readonly string[];
  /** Cuts the link, with all that is on its way, or mends it. */
  setLink(state: 'up' | 'down'): void;
  remove(): void;
}

/** @returns undefined where none can be had, which the test run then says */
export function openNetworkNamespace(): NetworkNamespace | undefined {
  const name = `lakeport-${process.pid}`;
  const own = `lp${process.pid}`;
  const subnet = `10.213.${process.pid % 256}`;
  // The pair of devices goes with either end of it.
  const removal = [`link delete ${own}`, `netns delete ${name}`];
  // However the tests end.
  const guard = spawn('/bin/sh', ['-c', ['read -r _', ...removal.map((command) => `ip ${command}`)].join('; ')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const remove = () => {
    guard.stdin.end();
    for (const command of removal) ip(command);
  };
  const isMade = [
    `netns add ${name}`,
    `link add ${own} type veth peer name eth0 netns ${name}`,
    `address add ${subnet}.1/30 dev ${own}`,
    `link set ${own} up`,
    `-n ${name} address add ${subnet}.2/30 dev eth0`,
    `-n ${name} link set eth0 up`,
  ].every(ip);
  if (!isMade) {
    remove();
    saySkipped('a worker behind a link of its own', 'root, and network namespaces by `ip netns`');
    return undefined;
  }
  return {
    host: `${subnet}.1`,
    within: ['ip', 'netns', 'exec', name],
    setLink: (state) => {
      if (!ip(`link set ${own} ${state}`)) throw new Error(`The link cannot be set ${state}`);
    },
    remove,
  };
}

function ip(command: string): boolean {
  try {
    execFileSync('ip', command.split(' '), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
