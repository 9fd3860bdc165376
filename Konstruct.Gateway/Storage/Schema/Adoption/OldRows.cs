using Npgsql;

namespace Konstruct.Gateway.Storage.Schema.Adoption;

/// <summary>
/// Checks the old rows of adopted tables against the constraints that were added without a check. Readers and writers go on meanwhile. Where rows violate
/// a constraint, it binds new rows only, and the log says so at each run.
/// </summary>
internal sealed partial class OldRows(NpgsqlDataSource source, ILogger logger)
{
    private const string Unchecked =
        "SELECT conname::text FROM pg_constraint WHERE conrelid = 'web_conversation_messages'::regclass AND NOT convalidated ORDER BY conname";

    /// <summary>An interrupted run leaves the policy behind.</summary>
    private const string Watching = "SELECT polname::text FROM pg_policy WHERE polname = 'adoption'";

    /// <summary>VALIDATE reads as the owner, from whom FORCE hides all rows: it would find no violation in any.</summary>
    private const string Watch = """
        CREATE POLICY adoption ON web_conversations FOR SELECT TO CURRENT_USER USING (true);
        CREATE POLICY adoption ON web_conversation_messages FOR SELECT TO CURRENT_USER USING (true)
        """;

    private const string Unwatch = "DROP POLICY IF EXISTS adoption ON web_conversations; DROP POLICY IF EXISTS adoption ON web_conversation_messages";

    /// <summary>Does nothing where all is checked.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if ((await connection.ListAsync(Watching, row => row.GetString(0), cancellationToken)).Count > 0)
        {
            await connection.ChangeAsync(Unwatch, cancellationToken);
        }

        var constraints = await connection.ListAsync(Unchecked, row => row.GetString(0), cancellationToken);
        if (constraints.Count == 0)
        {
            return;
        }

        await connection.ChangeAsync(Watch, cancellationToken);
        try
        {
            foreach (var constraint in constraints)
            {
                await CheckAsync(connection, constraint, cancellationToken);
            }
        }
        finally
        {
            await connection.ChangeAsync(Unwatch, cancellationToken);
        }
    }

    private async Task CheckAsync(NpgsqlConnection connection, string constraint, CancellationToken cancellationToken)
    {
        try
        {
            await connection.ExecuteAsync($"ALTER TABLE web_conversation_messages VALIDATE CONSTRAINT \"{constraint}\"", cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.CheckViolation)
        {
            Log.Violated(logger, constraint, exception.MessageText);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            106,
            LogLevel.Warning,
            "Old messages violate {Constraint}, which binds only new ones: {Reason}. Correct the old ones and run this step again"
        )]
        public static partial void Violated(ILogger logger, string constraint, string reason);
    }
}
