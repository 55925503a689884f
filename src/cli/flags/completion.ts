import { type Command, COMMANDS, defaultCommand, type SHELLS, TYPED_COMMANDS } from './commands.js';
import { type Flag, spelling } from './flag.js';
import { helpOf } from './flag-help.js';

/** A completion script for the shell, generated from the tables of flags and commands. */
export function completionScript(shell: (typeof SHELLS)[number]): string {
  switch (shell) {
    case 'bash':
      return bashScript();
    case 'zsh':
      return zshScript();
    case 'fish':
      return fishScript();
    default:
      return shell satisfies never;
  }
}

/** The flags to offer: those that have an effect. */
function offered({ flags }: Command): Flag[] {
  return flags.filter(({ standing }) => standing === undefined);
}

/** All spellings of a flag, for a shell's pattern. */
function spellings(flag: Flag): string[] {
  const long = [flag.name, ...(flag.aliases ?? [])].flatMap((name) => [...new Set([spelling({ name }), `--${name}`])]);
  return flag.short === undefined ? long : [`-${flag.short}`, ...long];
}

function bashScript(): string {
  const flags = [...new Map(COMMANDS.flatMap(offered).map((flag) => [flag.name, flag])).values()];
  const withValue = flags.filter(({ value }) => value !== undefined);
  const cases = withValue.map((flag) => `    ${spellings(flag).join('|')}) ${bashValue(flag)}; return ;;`);
  const commands = COMMANDS.map((command) => {
    const words = [...offered(command).map(spelling), ...(command.operandWords ?? [])];
    if (command === defaultCommand()) words.push(...typedNames());
    const pattern = command === defaultCommand() ? '*' : command.name;
    const files = command.completes === 'files' ? ' files=yes' : '';
    return { pattern, line: `    ${pattern}) words="${words.join(' ')}"${files} ;;` };
  });
  const ordered = [...commands.filter(({ pattern }) => pattern !== '*'), ...commands.filter((c) => c.pattern === '*')];
  return `# Completion of lakeport for bash: source <(lakeport completion bash)
_lakeport() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" word command="" words files=""
  COMPREPLY=()
  case "$previous" in
${cases.join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
    ${typedNames().join('|')}) command="$word"; break ;;
    esac
  done
  case "$command" in
${ordered.map(({ line }) => line).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -F _lakeport lakeport
`;
}

function bashValue(flag: Flag): string {
  if (flag.words !== undefined) return `COMPREPLY=($(compgen -W "${flag.words.join(' ')}" -- "$current"))`;
  if (flag.completes === 'files') return 'COMPREPLY=($(compgen -f -- "$current"))';
  if (flag.completes === 'directories') return 'COMPREPLY=($(compgen -d -- "$current"))';
  return ':';
}

function zshScript(): string {
  const commands = TYPED_COMMANDS;
  const functions = COMMANDS.map((command) => {
    const operands = command.operandWords === undefined ? [] : [`'1:shell:(${command.operandWords.join(' ')})'`];
    if (command.completes === 'files') operands.push(`'*:file:_files'`);
    const specs = [...offered(command).map(zshSpec), ...operands];
    return `_lakeport_${command.name}() {\n  _arguments -s \\\n    ${specs.join(' \\\n    ')}\n}`;
  });
  return `#compdef lakeport
# Completion of lakeport for zsh: lakeport completion zsh > "\${fpath[1]}/_lakeport"
${functions.join('\n')}
_lakeport() {
  local -a commands
  commands=(
    ${commands.map(({ name, summary }) => zshQuoted(`${name}:${summary}`)).join('\n    ')}
  )
  case "\${words[2]}" in
    ${commands.map(({ name }) => name).join('|')})
      local command="\${words[2]}"
      words=("\${words[1]}" "\${(@)words[3,-1]}")
      (( CURRENT-- ))
      _lakeport_$command
      ;;
    *)
      (( CURRENT == 2 )) && _describe command commands
      _lakeport_export
      ;;
  esac
}
if [[ "\${funcstack[1]}" == _lakeport ]]; then _lakeport "$@"; else compdef _lakeport lakeport; fi
`;
}

function zshSpec(flag: Flag): string {
  const text = helpOf(flag).replaceAll(/[[\]:\\]/g, '\\$&');
  const value = flag.value === undefined ? '' : `:${flag.name}:${zshValue(flag)}`;
  const times = flag.repeatable ? '*' : '';
  const names = flag.short === undefined ? [spelling(flag)] : [`-${flag.short}`, spelling(flag)];
  return names.map((name) => zshQuoted(`${times}${name}[${text}]${value}`)).join(' ');
}

function zshValue(flag: Flag): string {
  if (flag.words !== undefined) return `(${flag.words.join(' ')})`;
  if (flag.completes === 'files') return '_files';
  return flag.completes === 'directories' ? '_files -/' : '';
}

function fishScript(): string {
  const names = typedNames().join(' ');
  const lines = ['# Completion of lakeport for fish: lakeport completion fish | source', 'complete -c lakeport -f'];
  for (const command of COMMANDS) {
    const isDefault = command === defaultCommand();
    const when = `__fish_seen_subcommand_from ${isDefault ? names : command.name}`;
    const condition = ` -n ${shellQuoted(isDefault ? `not ${when}` : when)}`;
    if (!isDefault) {
      const before = ` -n ${shellQuoted(`not __fish_seen_subcommand_from ${names}`)}`;
      lines.push(`complete -c lakeport${before} -a ${command.name} -d ${shellQuoted(command.summary)}`);
    }
    for (const flag of offered(command)) {
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
      const long = ` -l ${spelling(flag).slice(2)}`;
      lines.push(`complete -c lakeport${condition}${short}${long}${fishValue(flag)} -d ${shellQuoted(helpOf(flag))}`);
    }
    if (command.completes === 'files') lines.push(`complete -c lakeport${condition} -F`);
    if (command.operandWords === undefined) continue;
    lines.push(`complete -c lakeport${condition} -a ${shellQuoted(command.operandWords.join(' '))}`);
  }
  return `${lines.join('\n')}\n`;
}

function fishValue(flag: Flag): string {
  if (flag.value === undefined) return '';
  if (flag.words !== undefined) return ` -x -a ${shellQuoted(flag.words.join(' '))}`;
  if (flag.completes === 'files') return ' -r -F';
  return flag.completes === 'directories' ? " -x -a '(__fish_complete_directories)'" : ' -x';
}

function typedNames(): string[] {
  return TYPED_COMMANDS.map(({ name }) => name);
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** For fish, where a backslash escapes inside quotes. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
