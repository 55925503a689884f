#!/usr/bin/env node
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/bundle/main.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`lakeport: needs Node.js 20.19 or later, this is ${process.versions.node}`);
  process.exitCode = 1;
} else if (!existsSync(main)) {
  console.error('lakeport: not built yet\nhint: run "npm install" and "npm run build" in its directory');
  process.exitCode = 1;
} else {
  // Node.js 22 and later keep compiled code between runs.
  nodeModule.enableCompileCache?.();
  await import(main);
}
