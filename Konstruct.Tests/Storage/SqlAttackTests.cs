using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>
/// Statements of the serving role, as a bug or an injection could send them, with tenant A set: each meets rows of B nowhere. The server's owner is no
/// superuser, so nothing here is refused by accident.
/// </summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class SqlAttackTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private const string RowSecurity = "42501";
    private const string ForeignKey = "23503";
    private const string Unique = "23505";
    private const string Nothing = "0 rows";
    private const string Columns = "(tenant_id, id, conversation_id, role, content, turn_id, status, attempt) ";

    [Fact]
    [OriginalFlaw("conversation of another tenant: the assistant row is inserted into it")]
    public async Task Tenant_A_reaches_no_id_of_B()
    {
        var b = await Victim.CreateAsync(Pipeline);
        var before = await b.SnapshotAsync(Sql);
        var a = await Victim.CreateAsync(Pipeline);
        var (fresh, row1, row2) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        (string Sql, string Expected)[] list =
        [
            ($"SELECT * FROM web_conversations WHERE id = '{b.Conversation}'", Nothing),
            ($"SELECT * FROM web_conversations WHERE tenant_id = '{b.Person.Tenant}'", Nothing),
            ($"SELECT * FROM web_conversations WHERE user_id = '{b.Person.User}'", Nothing),
            ($"SELECT * FROM web_conversations WHERE tenant_id <> '{a.Person.Tenant}'", Nothing),
            ($"SELECT content FROM web_conversation_messages WHERE conversation_id = '{b.Conversation}'", Nothing),
            ($"SELECT content FROM web_conversation_messages WHERE id IN ('{b.Question}', '{b.Answer}', '{b.LiveAnswer}')", Nothing),
            ($"SELECT task FROM web_turns WHERE turn_id = '{b.LiveTurn}'", Nothing),
            ($"SELECT task FROM web_turns WHERE conversation_id = '{b.Conversation}'", Nothing),
            ($"SELECT content FROM web_conversation_messages WHERE tenant_id <> '{a.Person.Tenant}'", Nothing),
            ($"UPDATE web_conversations SET title = 'x' WHERE id = '{b.Conversation}' RETURNING id", Nothing),
            (
                $"UPDATE web_conversations SET tenant_id = '{a.Person.Tenant}', user_id = '{a.Person.User}' WHERE id = '{b.Conversation}' RETURNING id",
                Nothing
            ),
            ($"UPDATE web_conversation_messages SET content = 'x' WHERE id = '{b.Answer}' RETURNING id", Nothing),
            ($"UPDATE web_conversation_messages SET tenant_id = '{a.Person.Tenant}' WHERE turn_id = '{b.Turn}' RETURNING id", Nothing),
            ($"UPDATE web_turns SET tenant_id = '{a.Person.Tenant}' WHERE turn_id = '{b.LiveTurn}' RETURNING turn_id", Nothing),
            ($"UPDATE web_turns SET attempt = 3 WHERE turn_id = '{b.LiveTurn}' RETURNING task", Nothing),
            ($"DELETE FROM web_turns WHERE turn_id = '{b.LiveTurn}' RETURNING task", Nothing),
            ($"DELETE FROM web_conversation_messages WHERE conversation_id = '{b.Conversation}' RETURNING id", Nothing),
            ($"DELETE FROM web_conversations WHERE id = '{b.Conversation}' RETURNING id", Nothing),
            ($"SELECT id FROM web_conversations WHERE id = '{b.Conversation}' FOR UPDATE", Nothing),
            (
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{b.Person.Tenant}', '{fresh}', '{b.Person.User}', 'x')",
                RowSecurity
            ),
            (
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{a.Person.Tenant}', '{b.Conversation}', '{a.Person.User}', 'x')",
                Unique
            ),
            (
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{a.Person.Tenant}', '{b.Conversation}', '{a.Person.User}', 'x') ON CONFLICT (id) DO UPDATE SET title = 'x'",
                RowSecurity
            ),
            (
                $"INSERT INTO web_conversation_messages {Columns}VALUES ('{b.Person.Tenant}', '{row1}', '{b.Conversation}', 'assistant', 'x', '{fresh}', 'completed', 1)",
                RowSecurity
            ),
            (
                $"INSERT INTO web_conversation_messages {Columns}VALUES ('{a.Person.Tenant}', '{row1}', '{b.Conversation}', 'assistant', 'x', '{fresh}', 'completed', 1)",
                ForeignKey
            ),
            ($"INSERT INTO web_turns VALUES ('{b.Conversation}', '{fresh}', '{b.Person.Tenant}', '{row1}', '{row2}', 1, now(), '')", RowSecurity),
            ($"INSERT INTO web_turns VALUES ('{b.Conversation}', '{fresh}', '{a.Person.Tenant}', '{row1}', '{row2}', 1, now(), '')", ForeignKey),
            ($"UPDATE web_turns SET tenant_id = '{b.Person.Tenant}' WHERE turn_id = '{a.LiveTurn}'", RowSecurity),
            ($"UPDATE web_turns SET conversation_id = '{b.Conversation}' WHERE turn_id = '{a.LiveTurn}'", ForeignKey),
            ($"UPDATE web_conversations SET tenant_id = '{b.Person.Tenant}' WHERE id = '{a.Conversation}'", RowSecurity),
            ($"UPDATE web_conversation_messages SET tenant_id = '{b.Person.Tenant}' WHERE id = '{a.Answer}'", RowSecurity),
            ($"UPDATE web_conversation_messages SET conversation_id = '{b.Conversation}' WHERE id = '{a.Answer}'", ForeignKey),
            (
                $"SELECT turn FROM accept_turn('{b.Conversation}', '{b.Person.User}', 'x', false, 20, '{fresh}', '{row1}', '{row2}', 'x', NULL, '') WHERE acceptance <> 2",
                Nothing
            ),
            (
                $"SELECT turn FROM accept_turn('{b.Conversation}', '{a.Person.User}', 'x', true, 20, '{fresh}', '{row1}', '{row2}', 'x', NULL, '') WHERE acceptance <> 2",
                Nothing
            ),
            ($"SELECT turn FROM open_conversation('{b.Conversation}', '{b.Person.User}')", Nothing),
            ($"SELECT turn FROM open_conversation('{b.Conversation}', '{a.Person.User}')", Nothing),
            ($"SELECT turn FROM ended_turns('{b.Conversation}', interval '1 day', 100)", Nothing),
            ($"SELECT content FROM finish_turn('{b.Conversation}', '{b.LiveTurn}', 'completed', 1, 'x')", Nothing),
            ($"SELECT content FROM finish_turn('{a.Conversation}', '{b.Turn}', 'failed', 1, 'x')", Nothing),
            ($"SELECT task FROM pending_turns(interval '0', '{Guid.Empty}', '{Guid.Empty}', 100)", "42703"),
            ("SET row_security = off; SELECT * FROM web_conversations", RowSecurity),
            ("SET ROLE konstruct_sweeper", RowSecurity),
            ($"SET ROLE {PostgresServer.Owner}", RowSecurity),
            ("ALTER TABLE web_conversations NO FORCE ROW LEVEL SECURITY", RowSecurity),
            ("ALTER TABLE web_conversation_messages DISABLE ROW LEVEL SECURITY", RowSecurity),
            ("DROP POLICY tenant ON web_conversation_messages", RowSecurity),
            ("ALTER TABLE web_turns DISABLE ROW LEVEL SECURITY", RowSecurity),
            ("CREATE POLICY all_of_it ON web_conversation_messages USING (true)", RowSecurity),
            ("TRUNCATE web_conversation_messages", RowSecurity),
            ("CREATE TABLE mine (id int)", RowSecurity),
        ];

        await using var source = NpgsqlDataSource.Create(Pipeline.Database.ServingConnectionString);
        var attacks = new List<Attack>();
        foreach (var (sql, expected) in list)
        {
            var answer = await AnswerAsync(source, a.Person.Tenant, sql);
            attacks.Add(new("SQL", Shorten(sql, a, b), answer, answer == expected));
        }

        attacks.Add(new("SQL", "everything of B as it was", "", await b.SnapshotAsync(Sql) == before));
        AttackReport.Record(attacks);
    }

    [Fact]
    public async Task Without_a_tenant_a_query_sees_nothing_and_throws_nothing_and_a_write_fails()
    {
        var b = await Victim.CreateAsync(Pipeline);
        await using var source = NpgsqlDataSource.Create(Pipeline.Database.ServingConnectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        // A session in which no tenant was ever set, and one in which a transaction that set one has ended: NULL, then ''.
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(0L, await ScalarAsync(connection, "SELECT count(*) FROM web_conversations"));
            Assert.Equal(0L, await ScalarAsync(connection, "SELECT count(*) FROM web_conversation_messages"));
            Assert.Equal(0L, await ScalarAsync(connection, "SELECT count(*) FROM web_turns"));
            Assert.Equal(
                0L,
                await ScalarAsync(connection, "WITH u AS (UPDATE web_conversations SET title = 'x' RETURNING 1) SELECT count(*) FROM u")
            );
            Assert.Equal(0L, await ScalarAsync(connection, "WITH d AS (DELETE FROM web_conversation_messages RETURNING 1) SELECT count(*) FROM d"));
            var refused = await Assert.ThrowsAsync<PostgresException>(() =>
                ScalarAsync(
                    connection,
                    $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{b.Person.Tenant}', '{Guid.NewGuid()}', '{b.Person.User}', 'x')"
                )
            );
            Assert.Equal(RowSecurity, refused.SqlState);

            await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await ScalarAsync(connection, $"SELECT set_config('app.current_tenant', '{b.Person.Tenant}', true)");
            Assert.Equal(1L, await ScalarAsync(connection, "SELECT count(*) FROM web_conversations"));
            await transaction.CommitAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>How many rows, or the error's code. Nothing of it stays.</summary>
    private static async Task<string> AnswerAsync(NpgsqlDataSource source, Guid tenant, string sql)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await ScalarAsync(connection, $"SELECT set_config('app.current_tenant', '{tenant}', true)");
        try
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await using var reader = await command.ExecuteReaderAsync();
            var rows = 0;
            do
            {
                while (await reader.ReadAsync())
                {
                    rows++;
                }
            } while (await reader.NextResultAsync());
            await reader.CloseAsync();
            // Committed: an attack that got through shall be seen in what is stored.
            await transaction.CommitAsync();
            return $"{rows} rows";
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static string Shorten(string sql, Victim a, Victim b)
    {
        foreach (
            var (id, name) in new[]
            {
                (a.Person.Tenant, "A"),
                (a.Person.User, "user of A"),
                (a.Conversation, "conversation of A"),
                (a.Answer, "answer of A"),
                (b.Person.Tenant, "B"),
                (b.Person.User, "user of B"),
                (b.Conversation, "conversation of B"),
                (b.Question, "question of B"),
                (b.Answer, "answer of B"),
                (b.Turn, "turn of B"),
                (b.LiveAnswer, "live answer of B"),
                (b.LiveTurn, "live turn of B"),
            }
        )
        {
            sql = sql.Replace($"{id}", name, StringComparison.Ordinal);
        }

        return sql.Replace(Columns, "", StringComparison.Ordinal)
            .Replace("(tenant_id, id, user_id, agent_id) ", "", StringComparison.Ordinal)
            .Replace("web_conversation_messages", "messages", StringComparison.Ordinal)
            .Replace("web_conversations", "conversations", StringComparison.Ordinal);
    }
}
