using Konstruct.Gateway;
using Konstruct.Gateway.Storage;
using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>Connections are shared by all tenants: what one leaves behind on them, the next must not find.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class PoolTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    [Fact]
    public async Task Two_hundred_requests_of_two_tenants_over_two_connections_each_see_their_own()
    {
        var narrow = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__konstruct"] = $"{Pipeline.Database.ServingConnectionString};Maximum Pool Size=2" }
        );
        var tenants = new[] { Person.New(), Person.New() };
        var own = new List<Guid>();
        foreach (var person in tenants)
        {
            own.Add(await new ApiClient(narrow, person).CreateAsync($"of {person.Tenant}"));
        }

        await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(async i =>
                {
                    var api = new ApiClient(narrow, tenants[i % 2]);
                    var listed = (await api.GetAsync("")).Expect(200).Json.GetProperty("items").EnumerateArray();
                    Assert.Equal([own[i % 2]], listed.Select(c => c.GetProperty("id").GetGuid()));
                    (await api.GetAsync($"/{own[i % 2]}")).Expect(200);
                    (await api.GetAsync($"/{own[(i + 1) % 2]}")).ExpectProblem(404);
                })
        );
        await narrow.TerminateAsync();
    }

    [Theory]
    [InlineData("", 16)]
    [InlineData(";Maximum Pool Size=5", 5)]
    public async Task A_gateway_holds_as_many_connections_as_its_connection_string_says_or_16(string says, long most)
    {
        var name = $"{Guid.NewGuid()}";
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__konstruct"] = $"{Pipeline.Database.ServingConnectionString};Application Name={name}{says}",
            }
        );
        var chats = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => RawChat.OpenAsync(gateway, Person.New(), Guid.NewGuid())));
        await using (await Sql.LockMessagesAsync())
        {
            await Task.WhenAll(chats.Select(chat => chat.SayAsync("/burst 1")));
            await Until.TrueAsync(async () =>
                await Sql.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'", name)
                == most
            );
        }

        foreach (var chat in chats)
        {
            Assert.NotEmpty((await chat.ReceiveTurnAsync()).Answer);
            await chat.DisposeAsync();
        }

        Assert.Equal(most, await Sql.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name));
    }

    [Theory]
    [InlineData("", "kept")]
    [InlineData(";No Reset On Close=false", "")]
    public async Task A_gateways_sessions_keep_their_plans_unless_its_connection_string_says_otherwise(string says, string expected)
    {
        await using var app = WithStores($"{Pipeline.Database.ServingConnectionString};Maximum Pool Size=1{says}").Build();
        var tenants = app.Services.GetRequiredService<TenantDb>();

        // What resets a session's settings throws its plans away, too, and is easier to see.
        await tenants.CallAsync(
            Guid.NewGuid(),
            Guid.NewGuid(),
            $"SELECT set_config('konstruct.note', 'kept', false)",
            row => row.GetString(0),
            TestContext.Current.CancellationToken
        );
        var found = await tenants.CallAsync(
            Guid.NewGuid(),
            Guid.NewGuid(),
            $"SELECT current_setting('konstruct.note', true)",
            row => row.IsDBNull(0) ? "" : row.GetString(0),
            TestContext.Current.CancellationToken
        );

        Assert.Equal([expected], found);
    }

    /// <summary>After five quiet minutes all were new, just when many came at once.</summary>
    [Theory]
    [InlineData("", 16, 16)]
    [InlineData(";Maximum Pool Size=5", 5, 5)]
    [InlineData(";Minimum Pool Size=2", 2, 16)]
    public void A_gateway_keeps_its_connections_unless_its_connection_string_says_otherwise(string says, int least, int most)
    {
        var used = new NpgsqlConnectionStringBuilder(AsUsed($"{Pipeline.Database.ServingConnectionString}{says}"));
        Assert.Equal((least, most, true), (used.MinPoolSize, used.MaxPoolSize, used.TcpKeepAlive));
        Assert.Equal("nonsense", AsUsed("nonsense")); // Connecting with it says why it cannot.

        static string? AsUsed(string given) => ServingConnection.Complete(given, withPassword: true);
    }

    [Fact]
    public async Task A_context_used_without_TenantDb_sees_nothing_and_saves_nothing()
    {
        var person = Person.New();
        await new ApiClient(Gateway, person).CreateAsync();
        await using var db = new ChatDbContext(
            new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(Pipeline.Database.ServingConnectionString).Options
        );

        Assert.Empty(await db.Conversations.ToListAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await db.Messages.ToListAsync(TestContext.Current.CancellationToken));
        db.Conversations.Add(
            new()
            {
                TenantId = person.Tenant,
                Id = Guid.NewGuid(),
                UserId = person.User,
                AgentId = "x",
            }
        );
        var refused = await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveChangesAsync(TestContext.Current.CancellationToken));
        Assert.Equal("42501", Assert.IsType<PostgresException>(refused.InnerException).SqlState);
    }

    [Fact]
    public async Task A_call_of_one_round_trip_is_its_tenants_and_leaves_nothing_on_the_connection()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var provider = Stores.Of($"{Pipeline.Database.ServingConnectionString};Maximum Pool Size=1;No Reset On Close=true");
        var tenants = provider.Tenants();
        var tenant = Guid.NewGuid();

        var inside = await tenants.CallAsync(
            tenant,
            Guid.NewGuid(),
            $"SELECT current_setting('app.current_tenant'), pg_backend_pid()",
            row => $"{row.GetString(0)} {row.GetInt32(1)}",
            cancellation
        );
        await using var scope = provider.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>().Database;
        var after = await db.SqlQuery<string>($"SELECT current_setting('app.current_tenant', true) || ' ' || pg_backend_pid() AS \"Value\"")
            .SingleAsync(cancellation);

        Assert.Equal([$"{tenant}{after}"], inside);
        await Assert.ThrowsAsync<PostgresException>(() => tenants.CallAsync(tenant, Guid.NewGuid(), $"SELECT 1 / 0", row => "", cancellation));
        Assert.Equal(
            after,
            await db.SqlQuery<string>($"SELECT current_setting('app.current_tenant', true) || ' ' || pg_backend_pid() AS \"Value\"")
                .SingleAsync(cancellation)
        );
    }

    /// <summary>A gateway's stores, with this connection string for Postgres.</summary>
    private WebApplicationBuilder WithStores(string konstruct)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["ConnectionStrings:konstruct"] = konstruct;
        builder.Configuration["ConnectionStrings:redis"] = Pipeline.Redis.ConnectionString;
        builder.AddStores();
        return builder;
    }
}
