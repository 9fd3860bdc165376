using Npgsql;

namespace Konstruct.Peers;

/// <summary>
/// The minimum that keeps a conversation: a row for a message and its end, each in one statement that commits by itself. No
/// tenants, no limits, no queries. The server <c>stored</c> uses it to show the cost of committing alone.
/// </summary>
internal sealed class Store(NpgsqlDataSource database)
{
    public static async Task<Store> OpenAsync(string connectionString)
    {
        // The pool of a gateway: the same size, and connections are kept.
        var database = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString)
            {
                MaxPoolSize = 16,
                MinPoolSize = 16,
                NoResetOnClose = true,
            }
        );
        await using var command = database.CreateCommand(
            "CREATE TABLE IF NOT EXISTS bench_turns (id uuid PRIMARY KEY, conversation uuid NOT NULL, question text NOT NULL, answer text)"
        );
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
