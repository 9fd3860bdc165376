using Konstruct.Tests.Harness;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Tenancy;

/// <summary>
/// A session that was opened when the tables were empty keeps the plans of then: it found a message's turn by reading all messages of the tenant, until
/// PostgreSQL had counted them.
/// </summary>
public sealed class PlanTests(DatabaseFactory databases)
{
    private const int Turns = 300;

    [Theory]
    [InlineData("gen_random_uuid()", "one user's conversations")]
    [InlineData("'00000000-0000-4000-8000-000000000001'", "one conversation")]
    public async Task A_turn_reads_no_more_rows_when_there_are_more(string conversation, string where)
    {
        var database = await databases.CreateAsync();
        await using var session = new NpgsqlConnection($"{database.ServingConnectionString};Pooling=false");
        await session.OpenAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(session, "SELECT set_config('app.current_tenant', gen_random_uuid()::text, false)");

        var first = await PlayAsync(session, database, conversation);
        var second = await PlayAsync(session, database, conversation);

        // Entries that are skipped are not counted as read, and this index is full of those: it has what was pending in all tenants since it was last vacuumed.
        Assert.Equal(0, await database.Sql.ScalarAsync<long>("SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes WHERE indexrelname = 'ix_messages_pending'"));
        Assert.InRange(first, Turns, 50 * Turns);
        Assert.True(second < 1.5 * first, $"{Turns} turns of {where} read {first} rows, the next {Turns} read {second}.");
    }

    /// <returns>How many rows, or entries of indexes, were read.</returns>
    private static async Task<long> PlayAsync(NpgsqlConnection session, Database database, string conversation)
    {
        const string read = """
            SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::bigint + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::bigint
            """;
        var before = await database.Sql.ScalarAsync<long>(read);
        await ExecuteAsync(session, $"""
            DO $$
            DECLARE
                place uuid;
                turn uuid;
            BEGIN
                FOR i IN 1..{Turns} LOOP
                    place := {conversation};
                    turn := gen_random_uuid();
                    PERFORM FROM open_conversation(place, '00000000-0000-4000-8000-000000000002');
                    PERFORM FROM accept_turn(
                        place, '00000000-0000-4000-8000-000000000002', '', true, 4, turn, gen_random_uuid(), gen_random_uuid(), 'A question',
                        CASE WHEN i % 2 = 0 THEN turn::text END, '');
                    COMMIT;
                    PERFORM FROM finish_turn(place, turn, 'completed', 1, 'An answer');
                    COMMIT;
                END LOOP;
            END
            $$
            """);
        await ExecuteAsync(session, "SELECT pg_stat_force_next_flush()");
        return await database.Sql.ScalarAsync<long>(read) - before;
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
