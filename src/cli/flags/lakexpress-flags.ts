import { defineFlag } from './flag.js';
import { ANYTHING } from './value-types.js';

/** LakeXpress flags that do nothing here: not available yet, or without meaning. */
export const LAKEXPRESS_FLAGS = {
  generateMetadata: defineFlag({
    name: 'generate_metadata',
    group: 'Metadata',
    help: 'writes Common Data Model manifests',
    onResume: 'refused',
    standing: 'later',
  }),
  includeEntityFiles: defineFlag({
    name: 'include_entity_files',
    group: 'Metadata',
    help: 'writes an entity document per table',
    onResume: 'refused',
    standing: 'later',
  }),
  manifestName: defineFlag({
    name: 'manifest_name',
    value: 'NAME',
    type: ANYTHING,
    group: 'Metadata',
    help: "manifests' name",
    onResume: 'refused',
    standing: 'later',
  }),
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
