// Lets Node read TypeScript files as they are: `./x.js` in a .ts file means `./x.ts`.
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')
      ? next(`${specifier.slice(0, -3)}.ts`, context)
      : next(specifier, context),
});
