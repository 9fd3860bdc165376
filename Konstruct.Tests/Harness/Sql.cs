using Npgsql;

namespace Konstruct.Tests.Harness;

/// <summary>Looks at rows, and changes them, with a connection per question.</summary>
internal sealed class Sql(string connectionString)
{
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var connection = await OpenAsync();
        await using var command = Command(connection, sql, values);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task<IReadOnlyList<StoredMessage>> MessagesAsync(Guid conversation) =>
        [.. (await MessagesAsync("conversation_id", conversation)).Select(m => m.Message)];

    /// <summary>All conversations of a tenant at once.</summary>
    public async Task<ILookup<Guid, StoredMessage>> MessagesOfTenantAsync(Guid tenant) =>
        (await MessagesAsync("tenant_id", tenant)).ToLookup(m => m.Conversation, m => m.Message);

    /// <summary>How many messages a tenant has, whoever's and wherever; a running turn counts as its answer.</summary>
    public Task<long> MessageCountAsync(Guid tenant) =>
        ScalarAsync<long>(
            "SELECT (SELECT count(*) FROM web_conversation_messages WHERE tenant_id = $1) + (SELECT count(*) FROM web_turns WHERE tenant_id = $1)",
            tenant
        );

    /// <summary>How many turns run, of any tenant.</summary>
    public Task<long> RunningTurnCountAsync() => ScalarAsync<long>("SELECT count(*) FROM web_turns");

    /// <summary>The turns that run, and the statements that run or wait now, a line each.</summary>
    public Task<string> DescribeAsync() =>
        ScalarAsync<string>(
            """
            SELECT coalesce(string_agg(line, E'\n'), 'nothing is pending, nothing runs') FROM (
                SELECT 'pending: ' || (to_jsonb(t) - 'task')::text AS line FROM web_turns t
                UNION ALL
                SELECT concat_ws(' ', 'runs:', state, wait_event_type, wait_event, clock_timestamp() - state_change, left(query, 200)) FROM pg_stat_activity
                WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()) lines
            """
        );

    /// <summary>Keeps everybody else from reading and writing messages until the result is disposed.</summary>
    public async Task<IAsyncDisposable> LockMessagesAsync()
    {
        var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(
            "BEGIN; LOCK TABLE web_conversations, web_conversation_messages, web_turns IN ACCESS EXCLUSIVE MODE",
            connection
        );
        await command.ExecuteNonQueryAsync();
        // Closing the connection rolls back, and the lock with it.
        return connection;
    }

    private async Task<List<(Guid Conversation, StoredMessage Message)>> MessagesAsync(string column, Guid id)
    {
        await using var connection = await OpenAsync();
        await using var command = Command(
            connection,
            $"""
            SELECT conversation_id, role, content, status FROM (
                SELECT conversation_id, tenant_id, role, content, status, created_at FROM web_conversation_messages
                UNION ALL SELECT conversation_id, tenant_id, 'assistant', '', 'pending', created_at FROM web_turns) messages
            WHERE {column} = $1 ORDER BY created_at, role DESC
            """,
            id
        );
        await using var reader = await command.ExecuteReaderAsync();
        var messages = new List<(Guid, StoredMessage)>();
        while (await reader.ReadAsync())
        {
            messages.Add((reader.GetGuid(0), new StoredMessage(reader.GetString(1), reader.GetString(2), reader.GetString(3))));
        }

        return messages;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        return connection;
    }
}

/// <summary>What a conversation holds, oldest first; the answer of a running turn is empty and pending.</summary>
internal sealed record StoredMessage(string Role, string Content, string Status);
