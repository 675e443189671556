import { fromMicros, type MediaMs } from '../sync/media-time.ts';
import type { Frame } from '../sync/picture-schedule.ts';

/** A decoded picture with its time. */
export class PictureFrame implements Frame {
  readonly pts: MediaMs;
  readonly frame: VideoFrame;

  constructor(frame: VideoFrame) {
    this.frame = frame;
    this.pts = fromMicros(frame.timestamp);
  }

  close(): void {
    this.frame.close();
  }
}

/** Draws pictures on the page's canvas, which takes their size. */
export class Painter {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #resized: (width: number, height: number) => void;

  constructor(canvas: OffscreenCanvas, resized: (width: number, height: number) => void) {
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser gives no canvas to draw on');
    this.#canvas = canvas;
    this.#context = context;
    this.#resized = resized;
  }

  draw(frame: VideoFrame): void {
    const { displayWidth: width, displayHeight: height } = frame;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#resized(width, height);
    }
    this.#context.drawImage(frame, 0, 0, width, height);
  }
}
