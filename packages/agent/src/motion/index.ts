export { motionDefaults } from './limits.ts';
export { Motion, type MotionState, withWatched } from './motion.ts';
