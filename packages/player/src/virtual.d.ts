// Made by `packages/player/build.mjs`: scripts as text, for Blob addresses, so that one file can be put on any page.
declare module 'perch-player:worker' {
  const source: string;
  export default source;
}
declare module 'perch-player:worklet' {
  const source: string;
  export default source;
}
