using Konstruct.Gateway.Storage;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>Calls that travel together: each is its tenant's, and none suffers from another.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class StatementBatcherTests : PipelineTests
{
    /// <summary>It stands still, unless a test moves it.</summary>
    private readonly FakeTimeProvider _time = new();

    /// <summary>A group that has not come back by then holds up the next one no longer.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMilliseconds(25);

    /// <summary>Less than Npgsql waits for an answer: without it each of these would come to its end.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private readonly string _name = $"{Guid.NewGuid()}";

    private readonly string _connectionString;
    private readonly TcpProxy _proxy;
    private readonly ServiceProvider _provider;
    private readonly TenantDb _tenants;

    public StatementBatcherTests(UsualPipeline<OnGarnet> fixture)
        : base(fixture)
    {
        var connection = new NpgsqlConnectionStringBuilder(Pipeline.Database.ServingConnectionString) { ApplicationName = _name };
        _connectionString = connection.ConnectionString;
        _proxy = new(connection.Port);
        connection.Port = _proxy.Port;
        _provider = Stores.Of(connection.ConnectionString);
        _tenants = _provider.Tenants(_time);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public override async ValueTask DisposeAsync()
    {
        await _provider.DisposeAsync();
        await _proxy.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Calls_that_come_at_once_share_a_transaction_and_each_is_its_tenants()
    {
        Guid[] people = [.. Enumerable.Range(0, 40).Select(_ => Guid.NewGuid())];

        var answers = await WhileOneIsUnderWayAsync(() =>
            Task.WhenAll(
                people.Select(async tenant =>
                    (
                        await _tenants.CallAsync(
                            tenant,
                            Guid.NewGuid(),
                            $"SELECT current_setting('app.current_tenant')::uuid, pg_current_xact_id()::text",
                            row => (Tenant: row.GetGuid(0), Transaction: row.GetString(1)),
                            Cancellation
                        )
                    ).Single()
                )
            )
        );

        Assert.Equal(people, answers.Select(answer => answer.Tenant));
        Assert.Equal([16, 16, 8], answers.GroupBy(answer => answer.Transaction).Select(group => group.Count()).OrderDescending());
    }

    /// <summary>Each had a commit of its own, which is most of what it costs PostgreSQL.</summary>
    [Fact]
    public async Task Calls_that_come_while_one_is_under_way_share_a_transaction()
    {
        var together = await WhileOneIsUnderWayAsync(() =>
            Task.WhenAll(
                Enumerable
                    .Range(0, 5)
                    .Select(async _ =>
                        (
                            await _tenants.CallAsync(
                                Guid.NewGuid(),
                                Guid.NewGuid(),
                                $"SELECT pg_current_xact_id()::text",
                                row => row.GetString(0),
                                Cancellation
                            )
                        ).Single()
                    )
            )
        );

        Assert.Single(together.Distinct());
    }

    [Fact]
    public async Task A_session_that_died_meanwhile_fails_nobody()
    {
        var pid = (
            await _tenants.CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT pg_backend_pid()", row => row.GetInt32(0), Cancellation)
        ).Single();
        await Sql.ScalarAsync<bool>("SELECT pg_terminate_backend($1, 5000)", pid);

        var next = await _tenants
            .CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT pg_backend_pid()", row => row.GetInt32(0), Cancellation)
            .WaitAsync(Soon, Cancellation);

        Assert.NotEqual(pid, next.Single());
    }

    [Fact]
    public async Task A_small_pool_is_not_made_smaller()
    {
        await using var provider = Stores.Of($"{_connectionString};Maximum Pool Size=1");
        var tenants = provider.Tenants(_time);

        await tenants.CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT 1", row => 0, Cancellation);

        Assert.Equal(
            0,
            await tenants
                .RunAsync(Guid.NewGuid(), (db, cancellation) => db.Conversations.CountAsync(cancellation), Cancellation)
                .WaitAsync(Soon, Cancellation)
        );
    }

    [Fact]
    public async Task Two_groups_want_the_rows_of_their_conversations_in_the_same_order()
    {
        Guid[] conversations = [.. Enumerable.Range(0, 16).Select(_ => Guid.NewGuid())];

        var answers = await WhileOneIsUnderWayAsync(() =>
            Task.WhenAll(
                conversations.Select(async conversation =>
                    (
                        await _tenants.CallAsync(
                            Guid.NewGuid(),
                            conversation,
                            $"SELECT clock_timestamp()",
                            row => (Conversation: conversation, At: row.GetDateTime(0)),
                            Cancellation
                        )
                    ).Single()
                )
            )
        );

        Assert.Equal(conversations.Order(), answers.OrderBy(answer => answer.At).Select(answer => answer.Conversation));
    }

    [Fact]
    public async Task Of_a_group_only_the_call_at_fault_fails()
    {
        var answers = await WhileOneIsUnderWayAsync(() =>
            Task.WhenAll(
                Enumerable
                    .Range(0, 10)
                    .Select(async divisor =>
                    {
                        try
                        {
                            return (
                                await _tenants.CallAsync(
                                    Guid.NewGuid(),
                                    Guid.NewGuid(),
                                    $"SELECT 100 / {divisor}",
                                    row => row.GetInt32(0),
                                    Cancellation
                                )
                            ).Single();
                        }
                        catch (PostgresException e)
                        {
                            return int.Parse(e.SqlState);
                        }
                    })
            )
        );

        Assert.Equal([22012, 100, 50, 33, 25, 20, 16, 14, 12, 11], answers);
    }

    [Fact]
    public async Task A_conversation_that_somebody_holds_lets_the_others_of_its_group_go_on()
    {
        Guid[] conversations = [.. Enumerable.Range(0, 10).Select(_ => Guid.NewGuid())];
        await using var holder = new NpgsqlConnection(_connectionString);
        await holder.OpenAsync(Cancellation);
        await using var hold = new NpgsqlCommand($"BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('{conversations[0]}', 0))", holder);
        await hold.ExecuteNonQueryAsync(Cancellation);

        var locked = await WhileOneIsUnderWayAsync(async () =>
        {
            Task[] calls =
            [
                .. conversations.Select(conversation =>
                    _tenants.CallAsync(
                        Guid.NewGuid(),
                        conversation,
                        $"SELECT pg_advisory_xact_lock(hashtextextended({conversation.ToString()}, 0))",
                        row => 0,
                        Cancellation
                    )
                ),
            ];
            await Task.WhenAll(calls[1..]).WaitAsync(Soon, Cancellation);
            return calls[0];
        });

        Assert.False(locked.IsCompleted);
        await holder.CloseAsync();
        await locked;
    }

    [Fact]
    public async Task What_nobody_waits_for_any_more_is_not_sent()
    {
        var (tenant, conversation) = (Guid.NewGuid(), Guid.NewGuid());
        using var patience = new CancellationTokenSource();

        await WhileOneIsUnderWayAsync(async () =>
        {
            var given = _tenants.CallAsync(
                tenant,
                conversation,
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ({tenant}, {conversation}, {tenant}, '')",
                row => 0,
                patience.Token
            );
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
            return 0;
        });
        await _tenants.CallAsync(tenant, conversation, $"SELECT 1", row => 0, Cancellation).WaitAsync(Soon, Cancellation);

        Assert.Equal(0, await Sql.ScalarAsync<long>("SELECT count(*) FROM web_conversations WHERE id = $1", conversation));
    }

    [Fact]
    public async Task What_waits_for_groups_that_all_hang_waits_five_seconds()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var hanging = new List<Task>();
        for (var group = 1; group <= 4; group++)
        {
            hanging.Add(HangAsync(patience.Token));
            await HangingAsync(group);
            _time.Advance(Overdue);
        }

        var waiting = _tenants.CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT 1", row => row.GetInt32(0), Cancellation);
        _time.Advance(TimeSpan.FromSeconds(5) - (5 * Overdue));
        for (var i = 0; i < 20; i++)
        {
            await HangingAsync(4); // It would have come back meanwhile.
        }

        Assert.False(waiting.IsCompleted);
        _time.Advance(Overdue);

        Assert.Equal([1], await waiting.WaitAsync(Soon, Cancellation));
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(hanging));
    }

    [Fact]
    public Task A_call_waits_a_moment_for_a_group_that_takes_long_and_those_after_it_do_not() =>
        WhileOneHangsAsync(async () =>
        {
            var next = OneAsync();
            _time.Advance(Overdue);
            Assert.Equal([1], await next.WaitAsync(Soon, Cancellation));
            Assert.Equal([1], await OneAsync().WaitAsync(Soon, Cancellation));
        });

    [Fact]
    public Task A_full_group_does_not_wait_for_one_that_takes_long() =>
        WhileOneHangsAsync(() => Task.WhenAll(Enumerable.Range(0, 16).Select(_ => OneAsync())).WaitAsync(Soon, Cancellation));

    private async Task WhileOneHangsAsync(Func<Task> work)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var slow = HangAsync(patience.Token);
        await HangingAsync(1);

        await work();

        Assert.False(slow.IsCompleted);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        _time.Advance(TimeSpan.FromSeconds(5));
    }

    private Task<List<int>> OneAsync() => _tenants.CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT 1", row => row.GetInt32(0), Cancellation);

    private Task<List<int>> HangAsync(CancellationToken patience) =>
        _tenants.CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT pg_sleep(3600)", row => 0, patience);

    /// <summary>Runs <paramref name="calls"/> while another call is under way, so that they wait for it.</summary>
    private async Task<T> WhileOneIsUnderWayAsync<T>(Func<Task<T>> calls)
    {
        var seen = _proxy.StallBeforeAsync("goes first");
        var first = _tenants.CallAsync(Guid.NewGuid(), Guid.NewGuid(), $"SELECT 'goes first'", row => 0, Cancellation);
        await seen;
        var others = calls();
        _proxy.Resume();
        await first;
        return await others.WaitAsync(Soon, Cancellation);
    }

    /// <summary>So many calls hang.</summary>
    private Task HangingAsync(int calls) =>
        Until.TrueAsync(async () =>
            await Sql.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state = 'active' AND query LIKE '%pg_sleep%'",
                _name
            ) == calls
        );
}
