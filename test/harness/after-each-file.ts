import { afterAll } from 'vitest';

import { removeStateDirectory } from './cli.js';

// A module's own `afterAll` would count for the first file of a process only.
afterAll(removeStateDirectory);
