import type { OpenSocket } from '@perch/client';
import { PERCH_1 } from '@perch/protocol';

/**
 * Dials with subprotocol `perch.1`, and without where a server knows no subprotocols: browsers give up on a server
 * that leaves their offer unanswered, so the two are offered in turn until one opens, and that one from then on.
 */
export class Offer {
  #withSubprotocol = true;
  #opened = false;
  #failed = false;

  /** Wraps how a socket is made. */
  dialler(dial: OpenSocket): OpenSocket {
    return (url, others) => {
      const offered = this.#withSubprotocol;
      const socket = dial(url, offered ? [PERCH_1, ...others] : others);
      let open = false;
      socket.addEventListener('open', () => {
        open = true;
        this.#opened = true;
      });
      socket.addEventListener('close', () => {
        if (open || this.#opened || offered !== this.#withSubprotocol) return;
        this.#withSubprotocol = !offered;
        this.#failed = offered;
      });
      return socket;
    };
  }

  /** True once, after a dial with the subprotocol failed and before any opened: try again at once without. */
  takeRetry(): boolean {
    const failed = this.#failed;
    this.#failed = false;
    return failed;
  }
}
