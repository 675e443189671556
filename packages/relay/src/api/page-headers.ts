import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ownAddress } from './own-address.ts';

/** What a page or file of ours needs of the browser. */
export interface PageNeeds {
  /** Who may show it in a frame, as CSP says it. None: nobody. */
  readonly framedBy?: readonly string[];
  /** Pages of any origin may load it. */
  readonly isPublic?: boolean;
  /** Texts of `<script>` and `<style>` that stand in the page itself. */
  readonly inline?: readonly string[];
}

/** What the app uses of the browser's own powers. Everything else that browsers know is off, for us and in frames. */
const ON = [
  'autoplay',
  'clipboard-write',
  'fullscreen',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
];
const OFF = [
  'accelerometer',
  'browsing-topics',
  'camera',
  'clipboard-read',
  'display-capture',
  'encrypted-media',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'serial',
  'storage-access',
  'usb',
  'window-management',
  'xr-spatial-tracking',
];
const PERMISSIONS = [...ON.map((name) => `${name}=(self)`), ...OFF.map((name) => `${name}=()`)].join(', ');

/** The headers that keep a page to what it is for: CSP, `Permissions-Policy` and what isolates it from other sites. */
export function pageHeaders(request: FastifyRequest, needs: PageNeeds = {}): Record<string, string> {
  const { framedBy = [], isPublic = false, inline = [] } = needs;
  const hashes = inline
    .map((text) => ` 'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    .join('');
  // Older browsers do not count our own WebSockets as 'self'.
  const sockets = ownAddress(request)?.origin.replace(/^http/, 'ws') ?? '';
  const isFramed = framedBy.length > 0;
  const csp = [
    "default-src 'none'",
    // The player brings its worker and its audio worklet inside it; a worklet counts as a script.
    `script-src 'self' blob: 'wasm-unsafe-eval'${hashes}`,
    "worker-src 'self' blob:",
    `style-src 'self'${hashes}`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    `connect-src 'self' ${sockets}`.trimEnd(),
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${isFramed ? framedBy.join(' ') : "'none'"}`,
  ];
  return {
    ...(isPublic && { 'Access-Control-Allow-Origin': '*' }),
    'Content-Security-Policy': csp.join('; '),
    'Permissions-Policy': PERMISSIONS,
    'Cross-Origin-Opener-Policy': 'same-origin',
    // Without this a page that isolates itself (COEP) could show neither frame nor player.
    'Cross-Origin-Resource-Policy': isFramed || isPublic ? 'cross-origin' : 'same-origin',
  };
}
