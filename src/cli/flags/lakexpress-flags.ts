import { defineFlag } from './flag.js';
import { ANYTHING } from './value-types.js';

/** LakeXpress flags that have no meaning here. */
export const LAKEXPRESS_FLAGS = {
  fastbcpDirPath: defineFlag({
    name: 'fastbcp_dir_path',
    value: 'PATH',
    type: ANYTHING,
    group: 'Accepted and ignored',
    help: 'of LakeXpress',
    onResume: 'changeable',
    standing: 'ignored',
  }),
  license: defineFlag({
    name: 'license',
    value: 'TEXT',
    type: ANYTHING,
    group: 'Accepted and ignored',
    help: 'of LakeXpress',
    onResume: 'changeable',
    standing: 'ignored',
  }),
  licenseFile: defineFlag({
    name: 'license_file',
    value: 'PATH',
    type: ANYTHING,
    group: 'Accepted and ignored',
    help: 'of LakeXpress',
    onResume: 'changeable',
    standing: 'ignored',
  }),
  quietFastbcp: defineFlag({
    name: 'quiet_fbcp',
    group: 'Accepted and ignored',
    help: 'of LakeXpress',
    onResume: 'changeable',
    standing: 'ignored',
  }),
} as const;
