using System.CommandLine;
using Npgsql;

namespace Konstruct.Load.Fill;

/// <summary>Fills an empty database with conversations and messages of many tenants, for measurements with large tables.</summary>
internal static class FillCommand
{
    /// <summary>Conversations per transaction, so that progress is seen and WAL is recycled.</summary>
    private const int Portion = 50_000;

    private static readonly Option<string> PostgresOption = new("--postgres")
    {
        Description = "Connection string of a superuser, who is bound by no policy.",
        Required = true,
    };
    private static readonly Option<double> ConversationsOption = OptionOf.Number("--conversations", 1_000_000, "Conversations.", least: 1, most: 1e8);
    private static readonly Option<double> MessagesOption = OptionOf.Number(
        "--messages",
        10,
        "Messages of a conversation, half of them answers.",
        most: 1e4
    );
    private static readonly Option<double> TenantsOption = OptionOf.Number("--tenants", 10_000, "Tenants; the first has by far the most.", least: 1);

    /// <summary>The command <c>fill</c>.</summary>
    public static Command Command()
    {
        var command = new Command("fill", "Fills the chat's tables, which the schema step has made, and leaves them vacuumed and analyzed.")
        {
            PostgresOption,
            ConversationsOption,
            MessagesOption,
            TenantsOption,
        };
        command.SetAction(
            (given, cancel) =>
                RunAsync(
                    given.GetRequiredValue(PostgresOption),
                    (int)given.GetValue(ConversationsOption),
                    (int)given.GetValue(MessagesOption),
                    (int)given.GetValue(TenantsOption),
                    cancel
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(string connection, int conversations, int messages, int tenants, CancellationToken cancel)
    {
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection) { CommandTimeout = 0 });
        await using var session = await database.OpenConnectionAsync(cancel);
        await ExecuteAsync(session, await ScriptAsync(cancel), cancel);
        for (var from = 0; from < conversations; from += Portion)
        {
            await using var command = new NpgsqlCommand("SELECT pg_temp.fill($1, $2, $3, $4)", session);
            command.Parameters.Add(new() { Value = from });
            command.Parameters.Add(new() { Value = Math.Min(Portion, conversations - from) });
            command.Parameters.Add(new() { Value = messages });
            command.Parameters.Add(new() { Value = tenants });
            await command.ExecuteNonQueryAsync(cancel);
            Console.Error.WriteLine($"{Math.Min(conversations, from + Portion)} of {conversations} conversations");
        }

        // Otherwise autovacuum does it during the measurement.
        await ExecuteAsync(session, "VACUUM (ANALYZE) web_conversations, web_conversation_messages, web_turns", cancel);
        await ExecuteAsync(session, "CHECKPOINT", cancel);
        return 0;
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task<string> ScriptAsync(CancellationToken cancel)
    {
        using var script = new StreamReader(typeof(FillCommand).Assembly.GetManifestResourceStream("fill.sql")!);
        return await script.ReadToEndAsync(cancel);
    }
}
