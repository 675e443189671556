// npm run build; npm calls it too after every install (`prepare`).
import { buildAll } from './setup/build.mjs';
import { rememberInstalled } from './setup/dependencies.mjs';
import { main, underNewNode } from './setup/node.mjs';

await main(async () => {
  const code = await underNewNode();
  if (code !== undefined) return code;
  await buildAll();
  const { npm_lifecycle_event: event, npm_command: command } = process.env;
  if (event === 'prepare' && (command === 'ci' || command === 'install')) rememberInstalled();
  return 0;
});
