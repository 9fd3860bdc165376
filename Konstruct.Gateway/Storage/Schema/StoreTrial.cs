using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>
/// Runs every operation of the gateway once, as the serving role and for a tenant that does not exist: opens a
/// conversation, stores a message, ends its turn, sweeps and deletes. All of it is rolled back. A server with the
/// right tables and policies may still be read-only, lack a grant, or be unable to store a text.
/// </summary>
internal static class StoreTrial
{
    /// <summary>A UUID, because some databases of the original accept no other agent.</summary>
    internal const string Agent = "00000000-0000-4000-8000-000000000000";

    /// <summary>An emoji, which requires UTF-8.</summary>
    private const string Text = "\U0001F642";

    /// <summary>Runs the trial. Throws what Npgsql throws when the server cannot be reached.</summary>
    /// <returns>Null: everything works. Otherwise a sentence that says what Postgres refuses and what to do.</returns>
    public static async Task<string?> RunAsync(ChatDbContext db, CancellationToken cancellationToken)
    {
        // A separate connection without the context's retries: the caller retries and logs the reason meanwhile.
        await using var connection = (NpgsqlConnection)((ICloneable)db.Database.GetDbConnection()).Clone();
        await connection.OpenAsync(cancellationToken);
        if (await EncodingAsync(connection, cancellationToken) is var encoding and not SchemaDatabase.Encoding)
        {
            return SchemaDatabase.WrongEncoding(connection.Database, encoding);
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var (what, statement) in Steps())
        {
            try
            {
                await using var command = new NpgsqlCommand(statement, connection);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                return "Postgres (ConnectionStrings:konstruct) is read-only: a replica, or default_transaction_read_only is on. "
                    + "Name the primary, or switch that off.";
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.ForeignKeyViolation)
            {
                break; // Adopted tables may refer to tenants or agents of the platform, which do not know this trial's. The row itself was allowed.
            }
            catch (PostgresException exception) when (!exception.IsTransient)
            {
                return $"Postgres (ConnectionStrings:konstruct) refuses to {what}: {exception.MessageText} ({exception.SqlState}). "
                    + "The schema step grants what the serving role needs: run the gateway with the argument 'schema'.";
            }
        }

        await transaction.RollbackAsync(cancellationToken);
        return null;
    }

    private static async Task<string> EncodingAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand("SHOW server_encoding", connection);
        return (string)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }

    private static IEnumerable<(string What, string Statement)> Steps()
    {
        var (tenant, conversation, user, turn, deleted) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        yield return ("set the tenant", TenantSql.SetLiteral(tenant));
        yield return (
            "store a message (accept_turn)",
            $"SELECT acceptance FROM public.accept_turn('{conversation}', '{user}', '{Agent}', true, 1, '{turn}', '{Guid.NewGuid()}', '{Guid.NewGuid()}', '{Text}', NULL, '{{}}')"
        );
        yield return ("open a conversation (open_conversation)", $"SELECT turn FROM public.open_conversation('{conversation}', '{user}')");
        yield return ("read the turns that ended (ended_turns)", $"SELECT turn FROM public.ended_turns('{conversation}', interval '1 day', 1)");
        yield return (
            "give out an attempt",
            $"UPDATE public.web_turns SET attempt = 2 WHERE tenant_id = '{tenant}' AND conversation_id = '{conversation}' AND turn_id = '{turn}'"
        );
        yield return ("end a turn (finish_turn)", $"SELECT status FROM public.finish_turn('{conversation}', '{turn}', 'completed', 1, '{Text}')");
        yield return ("sweep (pending_turns)", $"SELECT turn_id FROM public.pending_turns(interval '1 day', '{Guid.Empty}', '{Guid.Empty}', 1)");
        yield return (
            "create a conversation",
            $"INSERT INTO public.web_conversations (tenant_id, id, user_id, agent_id, title) VALUES ('{tenant}', '{deleted}', '{user}', '{Agent}', '{Text}')"
        );
        yield return (
            "rename a conversation",
            $"UPDATE public.web_conversations SET title = 'trial' WHERE tenant_id = '{tenant}' AND id = '{deleted}'"
        );
        yield return ("delete a conversation", $"DELETE FROM public.web_conversations WHERE tenant_id = '{tenant}'");
    }
}
