using System.Text.Json;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>Reads all turns of a database that has one run's turns and no others.</summary>
internal static class StoredTurns
{
    public static async Task<IReadOnlyList<StoredTurn>> ReadAsync(Sql sql)
    {
        var json = await sql.ScalarAsync<string>(
            """
            SELECT coalesce(json_agg(turn)::text, '[]') FROM (
                SELECT turn_id AS "TurnId", q.tenant_id AS "Tenant", q.conversation_id AS "Conversation", q.content AS "Question",
                    q.client_message_id AS "MessageId",
                    EXISTS (SELECT FROM web_turns t WHERE t.turn_id = q.turn_id) AS "IsRunning",
                    (SELECT coalesce(json_agg(json_build_object('Status', a.status, 'Attempt', a.attempt, 'Text', a.content)), '[]')
                        FROM web_conversation_messages a
                        WHERE a.turn_id = q.turn_id AND a.role = 'assistant' AND a.tenant_id = q.tenant_id
                            AND a.conversation_id = q.conversation_id) AS "Endings"
                FROM web_conversation_messages q WHERE q.role = 'user'
                UNION ALL
                SELECT turn_id, a.tenant_id, a.conversation_id, NULL, NULL, false,
                    json_build_array(json_build_object('Status', a.status, 'Attempt', a.attempt, 'Text', a.content))
                FROM web_conversation_messages a
                WHERE a.role = 'assistant' AND NOT EXISTS (
                    SELECT FROM web_conversation_messages q
                    WHERE q.role = 'user' AND q.turn_id = a.turn_id AND q.tenant_id = a.tenant_id AND q.conversation_id = a.conversation_id)
            ) turn
            """
        );
        return JsonSerializer.Deserialize<List<StoredTurn>>(json)!;
    }
}
