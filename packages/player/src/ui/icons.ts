// Drawn for this player on a 24 × 24 grid.
const icon = (path: string): string =>
  `<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false" fill="none"
  stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${path}</svg>`;

const speaker = '<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" fill="currentColor"/>';

export const icons = {
  play: icon('<path d="M8 5.5v13l10.5-6.5z" fill="currentColor"/>'),
  pause: icon('<path d="M8.5 6v12M15.5 6v12" stroke-width="3"/>'),
  soundOn: icon(`${speaker}<path d="M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11"/>`),
  soundOff: icon(`${speaker}<path d="M16 9.5l5 5M21 9.5l-5 5"/>`),
  stats: icon('<path d="M5 19v-5M10 19V9M15 19v-8M20 19V5"/>'),
  fullScreen: icon('<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>'),
  leaveFullScreen: icon('<path d="M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5"/>'),
} as const;
