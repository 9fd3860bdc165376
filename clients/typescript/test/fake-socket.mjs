/** A WebSocket that a test plays the gateway of: no network, and time stands still until the test moves it. */
export class FakeSocket {
  /** @type {FakeSocket[]} */
  static made = [];
  sent = [];

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    FakeSocket.made.push(this);
  }

  static get last() {
    return FakeSocket.made.at(-1);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  /** What the gateway sends. */
  says(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  /** The gateway takes the connection and the credentials. */
  opens(...active) {
    this.onopen({});
    this.says({ type: 'ready', conversation_id: 'c', active });
  }

  /** The gateway, or the network (1006), ends it. */
  ends(code) {
    this.onclose({ code, reason: '' });
  }
}

/** Lets promises that are due be kept: a fake clock does not stop them, and does not wait for them either. */
export async function settled() {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
