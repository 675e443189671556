// All of the set-up. A second run finds everything done in a few milliseconds. Node 18 must be able to read this file.
import { installDependencies } from './dependencies.mjs';
import { SetUpError } from './node.mjs';
import { recognise, thisMachine } from './platform.mjs';
import { installPrograms } from './programs.mjs';

/**
 * Recognises the machine, installs what is missing, builds what is out of date.
 *
 * @param programs those of the system that are needed.
 * @throws {SetUpError} that says what to do.
 */
export async function setUp({ programs = [] } = {}) {
  const { node, problem } = recognise(thisMachine());
  if (problem) throw new SetUpError(problem);
  await installPrograms(programs);
  await installDependencies(node);
  const { buildIfStale } = await import('./build.mjs');
  await buildIfStale();
}
