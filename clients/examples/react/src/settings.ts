import type { ChatOptions } from '@konstruct/chat';

/**
 * The conversation that the page's address names: `?gateway=http://localhost:5180&conversation=…`, and who asks: `token=…`, or `user=…&tenant=…` where the
 * gateway trusts its callers. The defaults are those of Development.
 */
export function settings(): ChatOptions {
  const given = new URLSearchParams(location.search);
  const token = given.get('token');
  return {
    url: given.get('gateway') ?? 'http://localhost:5180',
    conversationId: given.get('conversation') ?? '40000000-0000-4000-8000-000000000001',
    agentId: '30000000-0000-4000-8000-000000000001',
    credentials: token
      ? { token }
      : {
          userId: given.get('user') ?? '20000000-0000-4000-8000-000000000001',
          tenantId: given.get('tenant') ?? '10000000-0000-4000-8000-000000000001',
        },
  };
}
