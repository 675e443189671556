import { Detector } from '../detector.ts';
import type { Picture } from '../picture.ts';
import type { Case } from './scenes.ts';

/** How a detector did on one scene. Times in ms. */
export interface Score {
  /** Motion that began where none was. */
  readonly falseAlarms: number;
  readonly isMissed: boolean;
  /** After the begin of the motion. */
  readonly seenAfter: number | undefined;
  /** How long after its end motion was still seen. */
  readonly overAfter: number | undefined;
}

/** What is seen so long after something moved still belongs to it. */
const AFTERMATH = 3_000;

/** Shows a detector the pictures of a scene. */
export function watch(pictures: Iterable<Picture>, { moves }: Case, sensitivity: number): Score {
  const detector = new Detector({ sensitivity });
  const seen: number[] = [];
  let [before, falseAlarms] = [false, 0];
  for (const picture of pictures) {
    const { isMotion } = detector.look(picture);
    const counts = moves && picture.at >= moves[0] && picture.at <= moves[1] + AFTERMATH;
    if (isMotion && counts) seen.push(picture.at);
    if (isMotion && !before && !counts) falseAlarms += 1;
    before = isMotion;
  }
  const [first, last] = [seen[0], seen.at(-1)];
  return {
    falseAlarms,
    isMissed: moves !== undefined && first === undefined,
    seenAfter: moves && first !== undefined ? first - moves[0] : undefined,
    overAfter: moves && last !== undefined ? Math.max(0, last - moves[1]) : undefined,
  };
}
