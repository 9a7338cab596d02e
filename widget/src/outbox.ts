/** Messages to Python: one on its way at a time, so that a slow trace is never behind a queue of moves. */

export interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Waiting {
  readonly message: Message;
  readonly replaces: string | null;
  readonly answered: ((found: unknown) => void) | null;
}

export class Outbox {
  readonly #send: (message: Message) => void;
  readonly #view: string;
  readonly #waiting: Waiting[] = [];
  #sent: { number: number; what: Waiting } | null = null;
  #number = 0;

  /** `view` tells the answers to this view from those to another view of the same widget. */
  constructor(view: string, send: (message: Message) => void) {
    this.#view = view;
    this.#send = send;
  }

  /** Whether something was sent that has not been answered, or waits. */
  get busy(): boolean {
    return this.#sent !== null;
  }

  /**
   * Sends a message when it is its turn. One that still waits under the same name `replaces` gives way to it; `answered` is
   * called with what was found.
   */
  post(message: Message, replaces: string | null = null, answered: ((found: unknown) => void) | null = null): void {
    const entry = { message, replaces, answered };
    const place = replaces === null ? -1 : this.#waiting.findIndex((waiting) => waiting.replaces === replaces);
    if (place >= 0) this.#waiting[place] = entry;
    else this.#waiting.push(entry);
    this.#next();
  }

  /** Takes an answer from Python; returns whether it was to this view. */
  handle(message: Message): boolean {
    const sent = this.#sent;
    if (sent === null || message["view"] !== this.#view || message["number"] !== sent.number) return false;
    this.#sent = null;
    sent.what.answered?.(message["found"] ?? null);
    this.#next();
    return true;
  }

  #next(): void {
    if (this.#sent !== null) return;
    const what = this.#waiting.shift();
    if (!what) return;
    this.#number += 1;
    this.#sent = { number: this.#number, what };
    this.#send({ ...what.message, view: this.#view, number: this.#number });
  }
}
