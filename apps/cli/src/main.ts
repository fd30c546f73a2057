import { createRequire } from 'node:module';
import { fail } from './output.js';
import { COMMANDS, usage } from './commands.js';

// Whoever stops reading (`| head`) has seen enough; that is no failure of the command.
process.stdout.on('error', () => undefined);

/** Exit codes: 0 fine, 1 the thing checked is wrong, 2 usage, 69 a dependency is unreachable, 78 configuration. */
const [name, ...words] = process.argv.slice(2);

if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
  process.stdout.write(usage());
  process.exitCode = name === undefined ? 2 : 0;
} else if (name === '--version' || name === 'version') {
  const { version } = createRequire(import.meta.url)('#package') as { readonly version: string };
  process.stdout.write(`${version}\n`);
} else {
  const command = COMMANDS.get(name);
  if (command === undefined) {
    process.stderr.write(`nextmodel: no command "${name}"\n\n${usage()}`);
    process.exitCode = 2;
  } else {
    try {
      const { run } = await command.load();
      process.exitCode = await run(words);
    } catch (error) {
      process.exitCode = fail(error);
    }
  }
}
