using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>
/// A running turn is a row of web_turns. It was an empty assistant's row, which a program that knows only the messages took for an empty answer.
/// </summary>
public sealed class TurnTableTests(DatabaseFactory databases)
{
    private readonly ConversationKey _key = new(Guid.NewGuid(), Guid.NewGuid());
    private readonly Guid _user = Guid.NewGuid();

    [Fact]
    public async Task Whoever_reads_only_messages_sees_no_empty_answer_and_each_answer_after_its_question()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var store = new ConversationStore(services.Tenants());
        var (first, second) = (Turn("one?"), Turn("two?"));

        await AcceptAsync(store, first);
        await AcceptAsync(store, second);
        Assert.Equal("one?, two?", await OriginalReadsAsync(database));
        await PersistAsync(store, second, "two!");
        Assert.Equal("one?, two?, two!", await OriginalReadsAsync(database));
        await PersistAsync(store, first, "one!");

        Assert.Equal("one?, one!, two?, two!", await OriginalReadsAsync(database));
    }

    [Fact]
    public async Task An_answer_keeps_id_time_and_place_in_the_history_when_it_ends()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var tenants = services.Tenants();
        var (store, catalog) = (new ConversationStore(tenants), new ConversationCatalog(tenants));
        var (first, second) = (Turn("one?"), Turn("two?"));
        await AcceptAsync(store, first);
        await AcceptAsync(store, second);

        var running = await HistoryAsync(catalog);
        Assert.Equal(["one?", "", "two?", ""], running.Select(item => item.Content));
        Assert.Equal(["completed", "pending", "completed", "pending"], running.Select(item => item.Status));
        Assert.Equal([first.TurnId, first.TurnId, second.TurnId, second.TurnId], running.Select(item => item.TurnId));
        await PersistAsync(store, second, "two!");
        Assert.Equal(["one?", "", "two?", "two!"], (await HistoryAsync(catalog)).Select(item => item.Content));
        await PersistAsync(store, first, "one!");

        var ended = await HistoryAsync(catalog);
        Assert.Equal(["one?", "one!", "two?", "two!"], ended.Select(item => item.Content));
        Assert.Equal(
            running.Select(item => (item.Id, item.TurnId, item.Role, item.CreatedAt)),
            ended.Select(item => (item.Id, item.TurnId, item.Role, item.CreatedAt))
        );
    }

    [Fact]
    public async Task Of_many_that_end_a_turn_one_wins()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var store = new ConversationStore(services.Tenants());
        var turn = Turn("one?");
        await AcceptAsync(store, turn);

        // A batch would put them into one transaction, so each has connections of its own.
        var others = Enumerable.Range(0, 8).Select(_ => Stores.Of(database.ServingConnectionString)).ToList();
        var ends = await Task.WhenAll(others.Select((other, i) => PersistAsync(new ConversationStore(other.Tenants()), turn, $"by {i}")));
        foreach (var other in others)
        {
            await other.DisposeAsync();
        }

        Assert.Single(ends, end => end.Won);
        Assert.Single(ends.Select(end => Convert.ToHexString(end.Row!.Content.Span)).Distinct());
        Assert.Equal(["user", "assistant"], (await database.Sql.MessagesAsync(_key.ConversationId)).Select(message => message.Role));
        Assert.Equal(0, await database.Sql.RunningTurnCountAsync());
    }

    [Fact]
    public async Task A_turn_updates_its_conversation_once()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var store = new ConversationStore(services.Tenants());
        await AcceptAsync(store, Turn("one?"));
        var before = await VersionAsync();
        var turn = Turn("two?");

        await AcceptAsync(store, turn);
        var accepted = await VersionAsync();
        await PersistAsync(store, turn, "two!");

        Assert.NotEqual(before, accepted);
        Assert.Equal(accepted, await VersionAsync());

        // Each version of a row has a place of its own.
        Task<string> VersionAsync() =>
            database.Sql.ScalarAsync<string>("SELECT ctid::text FROM web_conversations WHERE id = $1", _key.ConversationId);
    }

    /// <summary>Ending a turn locks the conversation first, as its deletion does. In the other order PostgreSQL ends one of them as a deadlock.</summary>
    [Fact]
    public async Task The_end_of_a_turn_waits_for_the_deletion_of_its_conversation()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var store = new ConversationStore(services.Tenants());
        var turn = Turn("one?");
        await AcceptAsync(store, turn);
        var cancellation = TestContext.Current.CancellationToken;
        await using var deletion = new NpgsqlConnection($"{database.ServingConnectionString};Pooling=false");
        await deletion.OpenAsync(cancellation);
        await ExecuteAsync(
            deletion,
            $"BEGIN; SELECT set_config('app.current_tenant', '{_key.TenantId}', true); SELECT FROM web_conversations WHERE id = '{_key.ConversationId}' FOR UPDATE"
        );

        var end = PersistAsync(store, turn, "one!");
        await Until.TrueAsync(async () => await database.Sql.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
        await ExecuteAsync(deletion, $"DELETE FROM web_conversations WHERE id = '{_key.ConversationId}'; COMMIT");

        Assert.Equal((null, false), await end);
        Assert.Equal(0, await database.Sql.MessageCountAsync(_key.TenantId));
    }

    /// <summary>A call that is repeated finds what it stored: while the turn runs, after it has ended, and when the conversation is full.</summary>
    [Theory]
    [InlineData(null, 4, false)]
    [InlineData(null, 1, false)]
    [InlineData(null, 1, true)]
    [InlineData("m-1", 1, false)]
    [InlineData("m-1", 4, true)]
    public async Task A_repeated_call_finds_its_turn(string? messageId, int maxTurns, bool hasEnded)
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var store = new ConversationStore(services.Tenants());
        var turn = Turn("one?") with { MessageId = messageId };
        var cancellation = TestContext.Current.CancellationToken;
        Assert.Equal(new(Acceptance.Accepted, turn.TurnId), await store.AcceptAsync(turn, createMissing: true, maxTurns, cancellation));
        if (hasEnded)
        {
            await PersistAsync(store, turn, "one!");
        }

        Assert.Equal(new(Acceptance.Accepted, turn.TurnId), await store.AcceptAsync(turn, createMissing: true, maxTurns, cancellation));
        var again = Turn("one?") with { MessageId = messageId };
        if (messageId is not null)
        {
            Assert.Equal(new(Acceptance.Repeated, turn.TurnId), await store.AcceptAsync(again, createMissing: true, maxTurns, cancellation));
        }
        else if (maxTurns == 1 && !hasEnded)
        {
            Assert.Equal(new(Acceptance.TooManyTurns, Guid.Empty), await store.AcceptAsync(again, createMissing: true, maxTurns, cancellation));
        }

        Assert.Equal(2, await database.Sql.MessageCountAsync(_key.TenantId));
    }

    [Fact]
    public async Task The_sweep_pages_through_the_turns_of_all_tenants()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of(database.ServingConnectionString);
        var store = new ConversationStore(services.Tenants());
        var turns = new HashSet<Guid>();
        for (var i = 0; i < 5; i++)
        {
            var turn = Turn("one?") with { Key = new(Guid.NewGuid(), Guid.NewGuid()) };
            await AcceptAsync(store, turn);
            turns.Add(turn.TurnId);
        }

        var pending = new PendingTurns(services.GetRequiredService<IServiceScopeFactory>());
        var found = new List<PendingTurn>();
        while (await pending.ReadAsync(TimeSpan.Zero, found.LastOrDefault(), 2, TestContext.Current.CancellationToken) is { Count: > 0 } page)
        {
            found.AddRange(page);
        }

        Assert.Equal(turns.Order(), found.Select(turn => turn.TurnId).Order());
        Assert.Empty(await pending.ReadAsync(TimeSpan.FromHours(1), null, 2, TestContext.Current.CancellationToken));
    }

    /// <summary>A turn that ran during the upgrade runs on, and ends as if it had begun after it.</summary>
    [Fact]
    public async Task An_upgrade_takes_the_running_turns_along()
    {
        var server = (await databases.CreateAsync()).Server;
        var database = new Database(server, $"m{Guid.NewGuid():N}");
        await OldSchemas.MakeWithoutTurnsAsync(server, database.Name);
        await using var services = Stores.Of(database.ServingConnectionString);
        var tenants = services.Tenants();
        var store = new ConversationStore(tenants);
        var (ended, running) = (Turn("one?"), Turn("two?") with { MessageId = "m-2" });
        await AcceptAsync(store, ended);
        await PersistAsync(store, ended, "one!");
        await AcceptAsync(store, running);
        Assert.Equal(1, await EmptyAnswersAsync());
        NpgsqlConnection.ClearAllPools(); // The functions of before are gone, and so are the plans that name them.

        await UpgradeAsync(database);

        Assert.Equal(0, await EmptyAnswersAsync());
        var found = await store.FindTurnAsync(_key, _user, "m-2", TestContext.Current.CancellationToken);
        Assert.Equal((running.TurnId, "pending", 1), (found!.TurnId, found.Status, found.Attempt));
        Assert.Equal(["one?", "one!", "two?", ""], (await HistoryAsync(new ConversationCatalog(tenants))).Select(item => item.Content));
        Assert.Equal(running.Task, await store.NextAttemptAsync(_key, running.TurnId, 1, TestContext.Current.CancellationToken));
        Assert.True((await PersistAsync(store, running, "two!")).Won);
        Assert.Equal(["one?", "one!", "two?", "two!"], (await HistoryAsync(new ConversationCatalog(tenants))).Select(item => item.Content));
        Assert.Equal(
            "one!",
            System.Text.Encoding.UTF8.GetString((await store.FindTurnAsync(_key, ended.TurnId, TestContext.Current.CancellationToken))!.Content.Span)
        );

        Task<long> EmptyAnswersAsync() => database.Sql.ScalarAsync<long>("SELECT count(*) FROM web_conversation_messages WHERE content = ''");
    }

    /// <summary>The way back to an older release, and the upgrade again.</summary>
    [Fact]
    public async Task The_migration_can_be_undone_while_a_turn_runs()
    {
        var database = await databases.CreateAsync();
        await using var services = Stores.Of($"{database.ServingConnectionString};Pooling=false");
        var tenants = services.Tenants();
        var store = new ConversationStore(tenants);
        var (ended, running) = (Turn("one?"), Turn("two?"));
        await AcceptAsync(store, ended);
        await PersistAsync(store, ended, "one!");
        await AcceptAsync(store, running);

        await OldSchemas.GoBackToWithoutTurnsAsync(database);
        Assert.Equal(
            running.Task,
            await database.Sql.ScalarAsync<string>(
                "SELECT task FROM web_conversation_messages WHERE turn_id = $1 AND status = 'pending'",
                running.TurnId
            )
        );
        await UpgradeAsync(database);

        Assert.True((await PersistAsync(store, running, "two!")).Won);
        Assert.Equal(["one?", "one!", "two?", "two!"], (await HistoryAsync(new ConversationCatalog(tenants))).Select(item => item.Content));
    }

    /// <summary>An older gateway beside: what it calls for a message and its answer works. Its sweep does not, so it gives out no attempts.</summary>
    [Fact]
    public async Task The_functions_that_an_older_gateway_calls_answer_as_before_except_its_sweep()
    {
        var database = await databases.CreateAsync();
        await using var older = new NpgsqlConnection($"{database.ServingConnectionString};Pooling=false");
        await older.OpenAsync(TestContext.Current.CancellationToken);
        var (turn, cancellation) = (Turn("one?"), TestContext.Current.CancellationToken);
        await ExecuteAsync(older, $"SELECT set_config('app.current_tenant', '{_key.TenantId}', false)");

        Assert.Equal(
            0,
            await AskAsync(
                $"SELECT acceptance FROM public.accept_turn('{_key.ConversationId}', '{_user}', 'a', true, 4, '{turn.TurnId}', '{turn.UserRowId}', '{turn.AssistantRowId}', 'one?', NULL, '{{}}')"
            )
        );
        Assert.Equal("pending", await AskAsync($"SELECT status FROM public.open_conversation('{_key.ConversationId}', '{_user}')"));
        Assert.Equal(true, await AskAsync($"SELECT won FROM public.finish_turn('{_key.ConversationId}', '{turn.TurnId}', 'completed', 1, 'one!')"));
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            AskAsync($"SELECT turn_id FROM public.pending_turns(interval '0', 'epoch'::timestamptz, '{Guid.Empty}'::uuid, 1)")
        );
        Assert.Equal(PostgresErrorCodes.UndefinedFunction, refused.SqlState);

        async Task<object?> AskAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, older);
            return await command.ExecuteScalarAsync(cancellation);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static Task UpgradeAsync(Database database) =>
        new SchemaStep(
            database.Server.OwnerConnectionString(database.Name),
            database.Server.ServingConnectionString(database.Name),
            NullLogger.Instance
        ).RunAsync(seedDevelopment: false, TestContext.Current.CancellationToken);

    private static Task<(TurnRow? Row, bool Won)> PersistAsync(ConversationStore store, NewTurn turn, string answer) =>
        store.PersistAsync(turn.Key, turn.TurnId, "completed", 1, System.Text.Encoding.UTF8.GetBytes(answer), TestContext.Current.CancellationToken);

    private static async Task AcceptAsync(ConversationStore store, NewTurn turn) =>
        Assert.Equal(
            new(Acceptance.Accepted, turn.TurnId),
            await store.AcceptAsync(turn, createMissing: true, maxTurns: 4, TestContext.Current.CancellationToken)
        );

    private NewTurn Turn(string text) =>
        new(
            _key,
            _user,
            Guid.NewGuid(),
            Guid.CreateVersion7(),
            Guid.CreateVersion7(DateTimeOffset.UtcNow.AddMilliseconds(1)),
            "agent",
            text,
            null,
            $$"""{"text":"{{text}}"}"""
        );

    /// <summary>The conversation as a program lists it that knows only the original's columns.</summary>
    private Task<string> OriginalReadsAsync(Database database) =>
        database.Sql.ScalarAsync<string>(
            "SELECT string_agg(content, ', ' ORDER BY created_at) FROM web_conversation_messages WHERE conversation_id = $1",
            _key.ConversationId
        );

    /// <summary>Oldest first.</summary>
    private async Task<IReadOnlyList<MessageItem>> HistoryAsync(ConversationCatalog catalog)
    {
        var (items, cursor) = (new List<MessageItem>(), PageCursor.Start);
        while (true)
        {
            // Pages of one: the place of each row is tried.
            var page = (await catalog.ReadAsync(_key, _user, cursor, 1, TestContext.Current.CancellationToken))!;
            items.AddRange(page.Items);
            if (page.Next is null)
            {
                items.Reverse();
                return items;
            }

            Assert.True(PageCursor.TryParse(page.Next, out cursor));
        }
    }
}
