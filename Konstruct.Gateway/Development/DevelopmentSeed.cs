using Konstruct.Gateway.Storage;
using Npgsql;

namespace Konstruct.Gateway.Development;

/// <summary>Seeds the data for a first chat: one tenant, user, agent and conversation, with the ids in the README. Development only.</summary>
internal static class DevelopmentSeed
{
    public static readonly Guid TenantId = new("10000000-0000-4000-8000-000000000001");
    public static readonly Guid UserId = new("20000000-0000-4000-8000-000000000001");
    public static readonly Guid AgentId = new("30000000-0000-4000-8000-000000000001");
    public static readonly Guid ConversationId = new("40000000-0000-4000-8000-000000000001");

    public static async Task RunAsync(NpgsqlDataSource owner, CancellationToken cancellationToken)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var tenant = new NpgsqlCommand(TenantSql.SetLiteral(TenantId), connection))
        {
            await tenant.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (
            var insert = new NpgsqlCommand(
                """
                INSERT INTO public.web_conversations (tenant_id, id, user_id, agent_id, title) VALUES ($1, $2, $3, $4, 'First steps')
                ON CONFLICT DO NOTHING
                """,
                connection
            )
        )
        {
            insert.Parameters.Add(new() { Value = TenantId });
            insert.Parameters.Add(new() { Value = ConversationId });
            insert.Parameters.Add(new() { Value = UserId });
            insert.Parameters.Add(new() { Value = AgentId.ToString("D") });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }
}
