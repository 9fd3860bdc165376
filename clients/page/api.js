/** The HTTP API (docs/reference/api.md), as far as the page uses it. */

/** @typedef {{ id: string, agent_id: string, title: string | null, created_at: string, updated_at: string }} Conversation */
/** @typedef {{ id: string, turn_id: string, role: 'user' | 'assistant', content: string, status: string, created_at: string }} Message */
/** @typedef {import('./identity.js').Person} Person */

/**
 * @template T
 * @typedef {{ items: T[], next: string | null }} Page
 */

export class ApiError extends Error {
  /**
   * @param {number} status 0: the gateway did not answer.
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** Whether other credentials can help. */
  get isRefusal() {
    return this.status === 401 || this.status === 403;
  }
}

export class Api {
  /** @param {Person} person */
  constructor(person) {
    this.person = person;
  }

  /**
   * @param {string | null} cursor
   * @returns {Promise<Page<Conversation>>}
   */
  list(cursor = null) {
    return this.#ask('GET', `?limit=30${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /**
   * The conversations whose title contains this text, at most as many as a page can have.
   * @param {string} title
   * @returns {Promise<Page<Conversation>>}
   */
  search(title) {
    return this.#ask('GET', `?limit=100&title=${encodeURIComponent(title)}`);
  }

  /**
   * @param {string} agentId
   * @returns {Promise<Conversation>}
   */
  create(agentId) {
    return this.#ask('POST', '', { agent_id: agentId });
  }

  /**
   * @param {string} id
   * @returns {Promise<Conversation>}
   */
  get(id) {
    return this.#ask('GET', `/${id}`);
  }

  /**
   * @param {string} id
   * @param {string | null} cursor
   * @param {number} [limit]
   * @returns {Promise<Page<Message>>}
   */
  messages(id, cursor = null, limit = 50) {
    return this.#ask('GET', `/${id}/messages?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /**
   * @param {string} id
   * @param {string} title
   * @returns {Promise<Conversation>}
   */
  rename(id, title) {
    return this.#ask('PATCH', `/${id}`, { title });
  }

  /** @param {string} id */
  async delete(id) {
    await this.#ask('DELETE', `/${id}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #ask(method, path, body) {
    const { userId, tenantId, role, token } = this.person;
    /** @type {Record<string, string>} */
    const headers = token ? { Authorization: `Bearer ${token}` } : { 'X-User-Id': userId, 'X-Tenant-Id': tenantId, 'X-Role': role };
    if (body) headers['Content-Type'] = 'application/json';
    let response;
    try {
      response = await fetch(`/chat/conversations${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    } catch {
      throw new ApiError(0, navigator.onLine ? 'The gateway does not answer.' : 'You are offline.');
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    const problem = await response.json().catch(() => null);
    throw new ApiError(response.status, problem?.detail ?? problem?.title ?? `The gateway answered ${response.status}.`);
  }
}
