import { defaultText, type SettingKey, settings } from './settings.ts';

/** A `perch.yaml` with every setting, each commented out with what it is for and an example. */
export function exampleFile(): string {
  const lines = [
    '# perch.yaml: every setting of Perch. Copy it to the data directory, or name it with --config FILE.',
    '# Each line shows an example; without the line the default holds. The environment (PERCH_…) and flags win over this file.',
  ];
  let part = '';
  for (const [key, { about, example }] of Object.entries(settings)) {
    const [first, second] = key.split('.') as [string, string?];
    if (second !== undefined && first !== part) {
      part = first;
      lines.push('', `${part}:`);
    }
    const indent = second === undefined ? '' : '  ';
    const usual = defaultText(key as SettingKey);
    const suffix = usual === '' || key === 'data' ? '' : ` Default: ${usual}.`;
    lines.push('', `${indent}# ${about}${suffix}`, `${indent}# ${second ?? first}: ${example}`);
  }
  return `${lines.join('\n')}\n`;
}
