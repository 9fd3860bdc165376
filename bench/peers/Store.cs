using Npgsql;

namespace Konstruct.Peers;

/// <summary>
/// The least that keeps a conversation: a row when a message has come, and its end, each one statement that commits by itself. No tenants, no limits, nothing is found
/// again. For the server <c>stored</c>, which shows what committing costs before anything is promised.
/// </summary>
internal sealed class Store(NpgsqlDataSource database)
{
    public static async Task<Store> OpenAsync(string connectionString)
    {
        // As many connections as a gateway takes, and kept as it keeps them.
        var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = 16, MinPoolSize = 16, NoResetOnClose = true });
        await using var command = database.CreateCommand("CREATE TABLE IF NOT EXISTS bench_turns (id uuid PRIMARY KEY, conversation uuid NOT NULL, question text NOT NULL, answer text)");
        await command.ExecuteNonQueryAsync();
        return new(database);
    }

    public async Task BeginAsync(Guid turn, Guid conversation, string question)
    {
        await using var command = database.CreateCommand("INSERT INTO bench_turns (id, conversation, question) VALUES ($1, $2, $3)");
        command.Parameters.Add(new() { Value = turn });
        command.Parameters.Add(new() { Value = conversation });
        command.Parameters.Add(new() { Value = question });
        await command.ExecuteNonQueryAsync();
    }

    public async Task EndAsync(Guid turn, string answer)
    {
        await using var command = database.CreateCommand("UPDATE bench_turns SET answer = $2 WHERE id = $1");
        command.Parameters.Add(new() { Value = turn });
        command.Parameters.Add(new() { Value = answer });
        await command.ExecuteNonQueryAsync();
    }
}
