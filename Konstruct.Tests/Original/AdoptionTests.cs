using System.Diagnostics;
using System.Text;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Docs;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Storage;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Original;

/// <summary>The schema step takes over tables that the original made, while the original goes on with its own statements.</summary>
public sealed class AdoptionTests(DatabaseFactory databases)
{
    private readonly Person _person = Person.New();

    [Theory]
    [InlineData(OriginalDatabase.UuidAgents)]
    [InlineData(OriginalDatabase.TextAgents)]
    public async Task The_original_s_statements_and_this_gateway_s_work_on_the_same_rows(string agents)
    {
        var database = await OriginalDatabase.CreateAsync(databases, agents);
        var conversation = await database.NewConversationAsync(_person);
        await using var original = await database.ConnectAsync(_person.Tenant);
        Assert.True(await original.SaveUserMessageAsync(conversation, "one?"));
        await original.SaveAnswerAsync(conversation, "one!");

        await database.AdoptAsync();

        Assert.Equal(new GuardResult(GuardVerdict.Serve, ""), await RolesUnderTest.InspectAsync(database.Database.ServingConnectionString));
        await using var services = Stores.Of(database.Database.ServingConnectionString);
        var tenants = services.Tenants();
        var (store, catalog, key) = (
            new ConversationStore(tenants),
            new ConversationCatalog(tenants),
            new ConversationKey(_person.Tenant, conversation)
        );
        var cancellation = TestContext.Current.CancellationToken;
        var turn = new NewTurn(key, _person.User, Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "", "two?", "m-2", "{}");
        Assert.Equal(new(Acceptance.Accepted, turn.TurnId), await store.AcceptAsync(turn, createMissing: false, 4, cancellation));
        Assert.Equal([("user", "one?"), ("assistant", "one!"), ("user", "two?")], await original.ReadAsync(conversation));
        Assert.True((await store.PersistAsync(key, turn.TurnId, "completed", 1, Encoding.UTF8.GetBytes("two!"), cancellation)).Won);
        Assert.True(await original.SaveUserMessageAsync(conversation, "three?"));
        await original.SaveAnswerAsync(conversation, "three!");

        string[] all = ["one?", "one!", "two?", "two!", "three?", "three!"];
        Assert.Equal(all, (await original.ReadAsync(conversation)).Select(message => message.Content));
        var history = (await catalog.ReadAsync(key, _person.User, PageCursor.Start, 10, cancellation))!.Items;
        Assert.Equal(all, history.Select(item => item.Content).Reverse());
        Assert.All(history, item => Assert.Equal("completed", item.Status));
        Assert.Equal(5, history.Select(item => item.TurnId).Distinct().Count()); // A row of the original is a turn by itself.
        Assert.Equal(Person.Agent.ToString(), (await catalog.FindAsync(key, _person.User, cancellation))!.AgentId);
        var made = await catalog.CreateAsync(
            key with
            {
                ConversationId = Guid.NewGuid(),
            },
            _person.User,
            Person.Agent.ToString(),
            "Mine",
            cancellation
        );
        Assert.True(await original.SaveUserMessageAsync(made.Id, "four?"));
        Assert.NotNull(await catalog.DeleteAsync(key, _person.User, cancellation)); // The original's foreign key does not cascade.
        Assert.Empty(await original.ReadAsync(conversation));
    }

    [Fact]
    public async Task A_second_run_changes_nothing()
    {
        var database = await OriginalDatabase.CreateAsync(databases);
        await database.AdoptAsync();
        var before = await database.Sql.ScalarAsync<string>(MigrationTests.Describe);

        await database.AdoptAsync();

        Assert.Equal(before, await database.Sql.ScalarAsync<string>(MigrationTests.Describe));
    }

    [Fact]
    public async Task A_run_that_was_interrupted_is_continued()
    {
        var database = await OriginalDatabase.CreateAsync(
            databases,
            change: "ALTER TABLE web_conversations ADD COLUMN title text; ALTER TABLE web_conversation_messages ADD COLUMN turn_id uuid"
        );
        await database.Sql.ExecuteAsync(
            """
            CREATE INDEX ix_messages_answers ON web_conversation_messages (turn_id);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_messages_answers'::regclass
            """
        );

        await database.AdoptAsync();

        Assert.Equal(GuardVerdict.Serve, (await RolesUnderTest.InspectAsync(database.Database.ServingConnectionString)).Verdict);
        Assert.Equal(0, await database.Sql.ScalarAsync<long>("SELECT count(*) FROM pg_index WHERE NOT indisvalid"));
        Assert.True(await database.Sql.ScalarAsync<bool>("SELECT indisunique FROM pg_index WHERE indexrelid = 'ix_messages_answers'::regclass"));
    }

    [Theory]
    [InlineData("ALTER TABLE web_conversation_messages RENAME COLUMN content TO body", "web_conversation_messages has no column content.")]
    [InlineData("ALTER TABLE web_conversation_messages RENAME TO messages", "The table web_conversation_messages is missing.")]
    [InlineData("ALTER TABLE web_conversations ALTER COLUMN user_id TYPE text", "web_conversations.user_id has the type text; expected uuid.")]
    [InlineData("ALTER TABLE web_conversation_messages ALTER COLUMN created_at TYPE timestamp", "expected timestamp with time zone.")]
    [InlineData("ALTER TABLE web_conversation_messages ALTER COLUMN content TYPE varchar(200)", "character varying(200); expected text")]
    [InlineData("ALTER TABLE web_conversations ALTER COLUMN updated_at DROP NOT NULL", "web_conversations.updated_at may be NULL.")]
    [InlineData("ALTER TABLE web_conversation_messages ADD COLUMN status integer", "exists with the type integer")]
    [InlineData("ALTER TABLE web_conversation_messages ADD COLUMN model text NOT NULL", "web_conversation_messages.model is not known")]
    [InlineData("ALTER TABLE web_conversations DISABLE ROW LEVEL SECURITY", "Row level security is not enabled on web_conversations.")]
    [InlineData("DROP POLICY tenant_isolation ON web_conversations", "web_conversations must have one policy; it has 0.")]
    [InlineData("CREATE POLICY admins ON web_conversations USING (true)", "The policy admins of web_conversations is not known: USING true")]
    [InlineData(
        "ALTER POLICY tenant_isolation ON web_conversations USING (tenant_id = current_setting('app.current_tenant')::uuid OR user_id IS NULL)",
        "The policy tenant_isolation of web_conversations is not known"
    )]
    [InlineData("ALTER POLICY tenant_isolation ON web_conversations WITH CHECK (true)", "WITH CHECK true")]
    [InlineData("ALTER TABLE web_conversations OWNER TO postgres", "web_conversations belongs to the role postgres.")]
    [InlineData(
        "ALTER TABLE web_conversation_messages DROP CONSTRAINT web_conversation_messages_pkey",
        "web_conversation_messages has no primary key or unique index on id alone."
    )]
    public async Task What_it_does_not_understand_it_lists_and_leaves_alone(string change, string sentence)
    {
        var database = await OriginalDatabase.CreateAsync(databases, change: change);
        var before = await database.Sql.ScalarAsync<string>(MigrationTests.Describe);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => database.AdoptAsync());

        Assert.Contains("nothing was changed", refused.Message, StringComparison.Ordinal);
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await database.Sql.ScalarAsync<string>(MigrationTests.Describe));
    }

    [Fact]
    public async Task It_lists_all_that_it_does_not_understand_at_once()
    {
        var database = await OriginalDatabase.CreateAsync(
            databases,
            change: "ALTER TABLE web_conversations RENAME COLUMN user_id TO person; CREATE POLICY admins ON web_conversations USING (true)"
        );
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => database.AdoptAsync());
        Assert.Contains("- web_conversations has no column user_id.\n", refused.Message, StringComparison.Ordinal);
        Assert.Contains("- web_conversations.person is not known", refused.Message, StringComparison.Ordinal);
        Assert.Contains("- The policy admins of web_conversations is not known", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_what_it_will_change_before_it_does()
    {
        var database = await OriginalDatabase.CreateAsync(databases);
        var log = new ListLogger();
        await database.AdoptAsync(log);

        var lines = log.Lines.ToList();
        var first = lines.FindIndex(line => line.StartsWith("Adding ", StringComparison.Ordinal));
        var told = lines.FindLastIndex(line => line.StartsWith("The tables of the original gateway will get: ", StringComparison.Ordinal));
        Assert.InRange(told, 0, first - 1);
        Assert.Equal(7, lines.Count(line => line.StartsWith("Adding ", StringComparison.Ordinal)));
    }

    /// <summary>The statements go on through all of it. None waits for longer than a lock is held or waited for.</summary>
    [Fact]
    public async Task Many_rows_are_adopted_while_the_original_goes_on()
    {
        var database = await OriginalDatabase.CreateAsync(databases);
        await database.Sql.ExecuteAsync(
            """
            INSERT INTO web_conversations (tenant_id, agent_id, user_id) SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid() FROM generate_series(1, 5000);
            INSERT INTO web_conversation_messages (id, conversation_id, tenant_id, role, content)
                SELECT gen_random_uuid(), id, tenant_id, role, repeat('text ', 20) FROM web_conversations, generate_series(1, 30) n, (VALUES ('user'), ('assistant')) r (role)
            """
        );
        var conversation = await database.NewConversationAsync(_person);
        await using var original = await database.ConnectAsync(_person.Tenant);
        await original.SaveUserMessageAsync(conversation, "0");
        using var stop = new CancellationTokenSource();
        var (longest, count) = (TimeSpan.Zero, 1);
        var going = GoOnAsync();

        var adoption = Stopwatch.StartNew();
        await database.AdoptAsync();
        await stop.CancelAsync();
        await going;

        Assert.Equal(Enumerable.Range(0, count).Select(i => $"{i}"), (await original.ReadAsync(conversation)).Select(message => message.Content));
        Assert.True(longest < TimeSpan.FromSeconds(3), $"A message waited {longest} of {adoption.Elapsed}.");
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} messages in {adoption.Elapsed}; the longest took {longest}.");

        async Task GoOnAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                var watch = Stopwatch.StartNew();
                Assert.True(await original.SaveUserMessageAsync(conversation, $"{count++}"));
                longest = watch.Elapsed > longest ? watch.Elapsed : longest;
            }
        }
    }

    [Fact]
    public async Task A_transaction_of_the_original_that_stays_open_delays_the_step_and_nobody_else()
    {
        var database = await OriginalDatabase.CreateAsync(databases);
        var conversation = await database.NewConversationAsync(_person);
        await using var idle = await database.ConnectAsync(_person.Tenant);
        await using var original = await database.ConnectAsync(_person.Tenant);
        await original.SaveUserMessageAsync(conversation, "one?");
        await using (await idle.BeginAsync())
        {
            Assert.True(await idle.ExistsAsync(conversation));
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.AdoptAsync());
            Assert.Equal(PostgresErrorCodes.LockNotAvailable, refused.SqlState);
            Assert.True(refused.IsTransient); // The schema step tries again.
            await original.SaveAnswerAsync(conversation, "one!");
        }

        await database.AdoptAsync();
        Assert.Equal([("user", "one?"), ("assistant", "one!")], await original.ReadAsync(conversation));
    }

    /// <summary>The original let an answer into another tenant's conversation. Such old rows stay, and no new ones come.</summary>
    [Fact]
    public async Task Rows_of_another_tenant_than_their_conversation_are_reported()
    {
        var database = await OriginalDatabase.CreateAsync(databases);
        var conversation = await database.NewConversationAsync(_person);
        await using var stranger = await database.ConnectAsync(Guid.NewGuid());
        await stranger.SaveAnswerAsync(conversation, "not yours");
        var log = new ListLogger();

        await database.AdoptAsync(log);

        Assert.Contains(log.Lines, line => line.StartsWith("Old messages violate FK_", StringComparison.Ordinal));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => stranger.SaveAnswerAsync(conversation, "not yours either"));
        Assert.Equal(PostgresErrorCodes.ForeignKeyViolation, refused.SqlState);
    }

    [Fact]
    public async Task The_way_back_that_the_guide_names_leaves_what_the_original_needs_and_the_way_there_is_open_again()
    {
        var page = MarkdownPage.Of("docs/guide/migration.md").Text;
        var start = page.IndexOf("```sql\n-- The way back", StringComparison.Ordinal);
        var sql = page[(start + "```sql\n".Length)..page.IndexOf("```", start + "```sql".Length, StringComparison.Ordinal)];
        var database = await OriginalDatabase.CreateAsync(databases);
        var conversation = await database.NewConversationAsync(_person);
        await using var original = await database.ConnectAsync(_person.Tenant);
        await database.AdoptAsync();
        await original.SaveUserMessageAsync(conversation, "one?");

        await new Sql(database.Database.Server.OwnerConnectionString(database.Database.Name) + ";Pooling=false").ExecuteAsync(sql);

        await original.SaveAnswerAsync(conversation, "one!");
        Assert.Equal([("user", "one?"), ("assistant", "one!")], await original.ReadAsync(conversation));
        Assert.Equal(
            "agent_id, created_at, id, tenant_id, updated_at, user_id",
            await database.Sql.ScalarAsync<string>(
                "SELECT string_agg(attname, ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'web_conversations'::regclass AND attnum > 0 AND NOT attisdropped"
            )
        );
        await database.AdoptAsync();
        Assert.Equal(GuardVerdict.Serve, (await RolesUnderTest.InspectAsync(database.Database.ServingConnectionString)).Verdict);
    }
}
