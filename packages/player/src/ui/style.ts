/** The look of the player. A page can set `--perch-accent` and `--perch-background`. */
export const style = `
:host {
  --accent: var(--perch-accent, #e0483e);
  display: block; position: relative; overflow: hidden; min-height: 3.5rem;
  background: var(--perch-background, #101214); color: #fff;
  font: 500 0.9375rem/1.4 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  -webkit-tap-highlight-color: transparent;
}
:host([hidden]) { display: none; }
:host(:focus-visible) { outline: 3px solid #6db3ff; outline-offset: 2px; }
.screen { display: grid; grid-template: minmax(0, 1fr) / minmax(0, 1fr); place-items: center; width: 100%; height: 100%; }
.screen:not(.has-picture) { aspect-ratio: 16 / 9; }
canvas { display: block; width: 100%; height: 100%; object-fit: contain; }
:host(:fullscreen) { width: 100%; height: 100%; background: #000; }
.note {
  position: absolute; inset: 0 0 3.5rem; display: grid; place-content: center; gap: 0.5rem; justify-items: center;
  padding: 1rem; text-align: center; pointer-events: none; text-wrap: balance;
}
.note b { font-size: 1.0625rem; font-weight: 600; }
.note p { margin: 0; max-width: 34rem; color: #d5d9dd; overflow-wrap: anywhere; }
.note.over b, .note.over p { background: rgb(12 14 16 / 0.8); padding: 0.25rem 0.75rem; border-radius: 0.5rem; }
.spinner {
  width: 1.75rem; height: 1.75rem; border: 3px solid rgb(255 255 255 / 0.25); border-top-color: #fff;
  border-radius: 50%; animation: turn 0.9s linear infinite;
}
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .spinner { animation-duration: 4s; } }
.tap {
  position: absolute; left: 50%; top: 50%; translate: -50% -50%; gap: 0.5rem; padding: 0 1.25rem 0 1rem;
  border-radius: 2rem; background: rgb(12 14 16 / 0.72); font-weight: 600;
}
.bar {
  position: absolute; inset: auto 0 0; display: flex; align-items: center; gap: 0.125rem;
  padding: 1.5rem 0.375rem max(0.25rem, env(safe-area-inset-bottom));
  background: linear-gradient(transparent, rgb(8 10 12 / 0.78) 60%);
  transition: opacity 0.25s; 
}
.bar.away { opacity: 0; pointer-events: none; }
button {
  display: inline-flex; align-items: center; justify-content: center; min-width: 2.75rem; height: 2.75rem; padding: 0;
  border: 0; border-radius: 0.5rem; background: none; color: inherit; font: inherit; cursor: pointer;
}
button:hover, button[aria-pressed="true"] { background: rgb(255 255 255 / 0.16); }
button.tap:hover { background: rgb(12 14 16 / 0.9); }
button:focus-visible, input:focus-visible { outline: 3px solid #6db3ff; outline-offset: -3px; }
button:disabled { opacity: 0.45; cursor: default; background: none; }
input[type="range"] { width: 5.5rem; height: 2.75rem; margin: 0 0.5rem 0 0; accent-color: #fff; cursor: pointer; }
.state {
  flex: 1; min-width: 0; display: flex; align-items: center; gap: 0.5rem; padding: 0 0.5rem;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; text-shadow: 0 1px 2px rgb(0 0 0 / 0.7);
}
.state span { overflow: hidden; text-overflow: ellipsis; }
.dot { flex: none; width: 0.625rem; height: 0.625rem; border-radius: 50%; background: #8b949c; }
.dot.live { background: var(--accent); }
.dot.lost, .dot.refused { background: #f0a93b; }
.stats {
  position: absolute; top: 0.5rem; left: 0.5rem; max-width: calc(100% - 1rem); max-height: calc(100% - 4.5rem);
  overflow: auto; box-sizing: border-box; margin: 0; padding: 0.625rem 0.875rem;
  display: grid; grid-template-columns: auto auto; gap: 0.125rem 1rem; border-radius: 0.5rem;
  background: rgb(12 14 16 / 0.82); font-size: 0.8125rem; font-variant-numeric: tabular-nums;
}
.stats dt { color: #aeb6bd; }
.stats dd { margin: 0; }
.heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
@media (hover: none), (max-width: 30rem) { input[type="range"] { display: none; } }
@container (max-width: 22rem) { input[type="range"] { display: none; } }
`;
