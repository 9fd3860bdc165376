using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Storage;
using Konstruct.Tests.Harness;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>
/// A turn costs the same however much its tenant, its user or its conversation has: sessions keep plans, and those are made of what the tables had then, or of what
/// PostgreSQL has counted, which is what most tenants have.
/// </summary>
[Collection<WithoutOtherTransactions>]
[Trait("Tier", "Long")]
public sealed class PlanTests(DatabaseFactory databases)
{
    private const int Turns = 300;

    private const string Tenant = "'00000000-0000-4000-8000-00000000000a'";
    private const string User = "'00000000-0000-4000-8000-000000000002'";
    private const string OneConversation = "'00000000-0000-4000-8000-000000000001'";
    private const string ManyConversations = "gen_random_uuid()";

    /// <summary>How many blocks of tables and indexes were looked at so far.</summary>
    private const string BlocksRead = """
        SELECT (SELECT sum(idx_blks_hit + idx_blks_read) FROM pg_statio_user_indexes)::bigint + (SELECT sum(heap_blks_hit + heap_blks_read) FROM pg_statio_user_tables)::bigint
        """;

    private const string EmptyTables = "";

    /// <summary>By what is counted, a tenant is as good as a conversation.</summary>
    private const string SmallTenants = """
        INSERT INTO web_conversations (tenant_id, id, user_id, agent_id)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a' FROM generate_series(1, 10000);
        INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, turn_id, status, attempt, client_message_id)
            SELECT tenant_id, gen_random_uuid(), id, role, 'Text', id, 'completed', 1, CASE role WHEN 'user' THEN 'm-0' END
            FROM web_conversations, (VALUES ('user'), ('assistant')) roles (role);
        ANALYZE
        """;

    [Theory]
    [InlineData(EmptyTables, ManyConversations)]
    [InlineData(EmptyTables, OneConversation)]
    [InlineData(SmallTenants, ManyConversations)]
    [InlineData(SmallTenants, OneConversation)]
    public async Task A_turn_reads_no_more_when_there_is_more(string counted, string conversation)
    {
        var database = await CreateAsync(counted);
        await using var session = new NpgsqlConnection($"{database.ServingConnectionString};Pooling=false");
        await session.OpenAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(session, $"SELECT set_config('app.current_tenant', {Tenant}, false)");

        var first = await PlayAsync(session, database, conversation);
        await GrowAsync(database, conversation);
        var second = await PlayAsync(session, database, conversation);

        Assert.InRange(first, 10 * Turns, 400 * Turns);
        Assert.True(second < 1.5 * first, $"{Turns} turns read {first} blocks before there were so many, and {second} then.");
    }

    /// <summary>What is asked through EF is planned each time, by what is counted.</summary>
    [Theory]
    [InlineData(EmptyTables)]
    [InlineData(SmallTenants)]
    public async Task A_request_reads_a_page_or_a_row_however_much_its_user_has(string counted)
    {
        const int times = 20;
        var database = await CreateAsync(counted);
        await GrowAsync(database, ManyConversations);
        await GrowAsync(database, OneConversation);
        await using var stores = Stores.Of($"{database.ServingConnectionString};Maximum Pool Size=1");
        var tenants = stores.Tenants();
        var (catalog, store) = (new ConversationCatalog(tenants), new ConversationStore(tenants));
        var key = new ConversationKey(Guid.Parse(Tenant.Trim('\'')), Guid.Parse(OneConversation.Trim('\'')));
        var user = Guid.Parse(User.Trim('\''));
        var turn = await database.Sql.ScalarAsync<Guid>(
            $"SELECT turn_id FROM web_conversation_messages WHERE conversation_id = {OneConversation} OFFSET 10000 LIMIT 1"
        );
        var cancellation = TestContext.Current.CancellationToken;

        await AssertReadsAsync(
            "a page of conversations",
            60,
            async () => Assert.Equal(20, (await catalog.ListAsync(key.TenantId, user, null, PageCursor.Start, 20, cancellation)).Items.Count)
        );
        await AssertReadsAsync(
            "a page of messages",
            80, // 58 or 62: its messages have the same time, so their order, and with it the blocks, is chance.
            async () => Assert.Equal(20, (await catalog.ReadAsync(key, user, PageCursor.Start, 20, cancellation))!.Items.Count)
        );
        await AssertReadsAsync("a conversation", 20, async () => Assert.NotNull(await catalog.FindAsync(key, user, cancellation)));
        await AssertReadsAsync("another title", 60, async () => Assert.NotNull(await catalog.RenameAsync(key, user, "Title", cancellation)));
        var created = new Queue<Guid>();
        await AssertReadsAsync(
            "a new conversation",
            60,
            async () => created.Enqueue((await catalog.CreateAsync(key with { ConversationId = Guid.NewGuid() }, user, "a", null, cancellation)).Id)
        );
        await AssertReadsAsync(
            "its end",
            60,
            async () => Assert.NotNull(await catalog.DeleteAsync(key with { ConversationId = created.Dequeue() }, user, cancellation))
        );
        await AssertReadsAsync("a turn", 20, async () => Assert.NotNull(await store.FindTurnAsync(key, turn, cancellation)));
        await AssertReadsAsync(
            "a turn by its message",
            20,
            async () => Assert.NotNull(await store.FindTurnAsync(key, user, $"{turn}", cancellation))
        );
        await AssertReadsAsync("another attempt", 20, async () => Assert.Null(await store.NextAttemptAsync(key, turn, 1, cancellation)));

        async Task AssertReadsAsync(string what, int most, Func<Task> ask)
        {
            var before = await ReadSoFarAsync();
            for (var i = 0; i < times; i++)
            {
                await ask();
            }

            var read = (await ReadSoFarAsync() - before) / times;
            Assert.True(read <= most, $"For {what} {read} blocks are read, {most} would do.");
        }

        async Task<long> ReadSoFarAsync()
        {
            await tenants.RunAsync(
                key.TenantId,
                (db, _) => db.Database.ExecuteSqlRawAsync("SELECT pg_stat_force_next_flush()", cancellation),
                cancellation
            );
            return await database.Sql.ScalarAsync<long>(BlocksRead);
        }
    }

    /// <summary>A database in which PostgreSQL counts nothing by itself any more.</summary>
    private async Task<Database> CreateAsync(string counted)
    {
        var database = await databases.CreateAsync();
        await database.Sql.ExecuteAsync(
            $"""
            ALTER TABLE web_conversations SET (autovacuum_enabled = false);
            ALTER TABLE web_conversation_messages SET (autovacuum_enabled = false);
            ALTER TABLE web_turns SET (autovacuum_enabled = false);
            {counted}
            """
        );
        return database;
    }

    /// <summary>Of 20,000 turns each: the same tenant, user and conversation get them, ended, and others, pending.</summary>
    private static Task GrowAsync(Database database, string conversation) =>
        database.Sql.ExecuteAsync(
            $"""
            CREATE TEMPORARY TABLE grown AS
                SELECT {Tenant}::uuid AS tenant, {conversation}::uuid AS conversation, {User}::uuid AS owner, gen_random_uuid() AS turn,
                    'completed' AS status
                FROM generate_series(1, 20000)
                UNION ALL
                SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'pending' FROM generate_series(1, 20000);
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) SELECT tenant, conversation, owner, 'a' FROM grown ON CONFLICT DO NOTHING;
            INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, turn_id, status, attempt, client_message_id)
                SELECT tenant, gen_random_uuid(), conversation, role, 'Text', turn, 'completed', 1, CASE role WHEN 'user' THEN turn::text END
                FROM grown, (VALUES ('user'), ('assistant')) roles (role) WHERE role = 'user' OR status = 'completed';
            INSERT INTO web_turns (conversation_id, turn_id, tenant_id, question_id, answer_id, attempt, created_at, task)
                SELECT conversation, turn, tenant, turn, gen_random_uuid(), 1, now(), repeat('x', 700) FROM grown WHERE status = 'pending';
            SELECT pg_stat_force_next_flush()
            """
        );

    /// <returns>How many blocks of tables and indexes were looked at.</returns>
    private static async Task<long> PlayAsync(NpgsqlConnection session, Database database, string conversation)
    {
        var before = await database.Sql.ScalarAsync<long>(BlocksRead);
        await ExecuteAsync(
            session,
            $"""
            DO $$
            DECLARE
                place uuid;
                turn uuid;
            BEGIN
                FOR i IN 1..{Turns} LOOP
                    place := {conversation};
                    turn := gen_random_uuid();
                    PERFORM FROM open_conversation(place, {User});
                    PERFORM FROM ended_turns(place, interval '30 minutes', 16);
                    PERFORM FROM accept_turn(
                        place, {User}, '', true, 4, turn, gen_random_uuid(), gen_random_uuid(), 'A question',
                        CASE WHEN i % 2 = 0 THEN turn::text END, '');
                    COMMIT;
                    PERFORM FROM finish_turn(place, turn, 'completed', 1, 'An answer');
                    COMMIT;
                END LOOP;
            END
            $$
            """
        );
        await ExecuteAsync(session, "SELECT pg_stat_force_next_flush()");
        return await database.Sql.ScalarAsync<long>(BlocksRead) - before;
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}

/// <summary>
/// A transaction that stays open, in whatever database of the server, keeps the old versions of each row that is changed meanwhile, and whoever looks for the row reads them all.
/// </summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class WithoutOtherTransactions;
