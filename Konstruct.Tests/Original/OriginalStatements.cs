using Npgsql;

namespace Konstruct.Tests.Original;

/// <summary>What the original sends to PostgreSQL, statement by statement, as SQLAlchemy renders it: prepared, in its own role, the tenant set per transaction.</summary>
internal sealed class OriginalStatements(NpgsqlConnection connection, Guid tenant) : IAsyncDisposable
{
    private const string SelectConversation = """
        SELECT web_conversations.id, web_conversations.tenant_id, web_conversations.agent_id, web_conversations.user_id, web_conversations.created_at, web_conversations.updated_at
        FROM web_conversations WHERE web_conversations.id = $1
        """;

    private const string InsertMessage = """
        INSERT INTO web_conversation_messages (id, conversation_id, tenant_id, role, content) VALUES ($1, $2, $3, $4, $5)
        RETURNING web_conversation_messages.created_at
        """;

    private const string UpdateConversation = "UPDATE web_conversations SET updated_at = NOW() WHERE id = $1";

    private const string SelectMessages = """
        SELECT web_conversation_messages.role, web_conversation_messages.content FROM web_conversation_messages
        WHERE web_conversation_messages.conversation_id = $1 ORDER BY web_conversation_messages.created_at
        """;

    private readonly Dictionary<string, NpgsqlCommand> _prepared = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var command in _prepared.Values)
        {
            await command.DisposeAsync();
        }

        await connection.DisposeAsync();
    }

    /// <summary>Step b of the original: looks the conversation up, stores the user's message. False: it does not see the conversation and stores nothing.</summary>
    public async Task<bool> SaveUserMessageAsync(Guid conversation, string text)
    {
        await using var transaction = await BeginAsync();
        if (!await ExistsAsync(conversation))
        {
            return false;
        }

        await StoreAsync(conversation, "user", text);
        await transaction.CommitAsync();
        return true;
    }

    /// <summary>Step e of the original: stores the answer. It does not look whether it sees the conversation.</summary>
    public async Task SaveAnswerAsync(Guid conversation, string text)
    {
        await using var transaction = await BeginAsync();
        await StoreAsync(conversation, "assistant", text);
        await transaction.CommitAsync();
    }

    /// <summary>The history as the portal reads it, oldest first.</summary>
    public async Task<IReadOnlyList<(string Role, string Content)>> ReadAsync(Guid conversation)
    {
        await using var transaction = await BeginAsync();
        await using var reader = await (await PreparedAsync(SelectMessages, conversation)).ExecuteReaderAsync();
        var messages = new List<(string, string)>();
        while (await reader.ReadAsync())
        {
            messages.Add((reader.GetString(0), reader.GetString(1)));
        }

        return messages;
    }

    /// <summary>The hook of the original that sets the tenant before a transaction's first statement.</summary>
    public async Task<NpgsqlTransaction> BeginAsync()
    {
        var transaction = await connection.BeginTransactionAsync();
        await using var set = new NpgsqlCommand($"SET LOCAL app.current_tenant = '{tenant}'", connection);
        await set.ExecuteNonQueryAsync();
        return transaction;
    }

    public async Task<bool> ExistsAsync(Guid conversation) =>
        await (await PreparedAsync(SelectConversation, conversation)).ExecuteScalarAsync() is not null;

    private async Task StoreAsync(Guid conversation, string role, string text)
    {
        await (await PreparedAsync(InsertMessage, Guid.NewGuid(), conversation, tenant, role, text)).ExecuteNonQueryAsync();
        await (await PreparedAsync(UpdateConversation, conversation)).ExecuteNonQueryAsync();
    }

    private async Task<NpgsqlCommand> PreparedAsync(string sql, params object[] values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            _prepared[sql] = command = new(sql, connection);
            foreach (var value in values)
            {
                command.Parameters.Add(new() { Value = value });
            }

            await command.PrepareAsync();
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }

        return command;
    }
}
