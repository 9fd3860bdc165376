using Konstruct.Gateway.Tenancy;
using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Tenancy;

/// <summary>Connections are shared by all tenants: what one leaves behind on them, the next must not find.</summary>
[Collection<UsualOnGarnet>]
public sealed class PoolTests(UsualPipelineOnGarnet fixture) : PipelineTests(fixture)
{
    [Fact]
    public async Task Two_hundred_requests_of_two_tenants_over_two_connections_each_see_their_own()
    {
        var narrow = await Pipeline.StartGatewayAsync(new Dictionary<string, string>
        {
            ["ConnectionStrings__konstruct"] = $"{Pipeline.Database.ServingConnectionString};Maximum Pool Size=2",
        });
        var tenants = new[] { Person.New(), Person.New() };
        var own = new List<Guid>();
        foreach (var person in tenants)
            own.Add(await new ApiClient(narrow, person).CreateAsync($"of {person.Tenant}"));

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            var api = new ApiClient(narrow, tenants[i % 2]);
            var listed = (await api.GetAsync("")).Expect(200).Json.GetProperty("items").EnumerateArray();
            Assert.Equal([own[i % 2]], listed.Select(c => c.GetProperty("id").GetGuid()));
            (await api.GetAsync($"/{own[i % 2]}")).Expect(200);
            (await api.GetAsync($"/{own[(i + 1) % 2]}")).ExpectProblem(404);
        }));
        await narrow.TerminateAsync();
    }

    [Fact]
    public async Task A_context_used_without_TenantDb_sees_nothing_and_saves_nothing()
    {
        var person = Person.New();
        await new ApiClient(Gateway, person).CreateAsync();
        await using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(Pipeline.Database.ServingConnectionString).Options);

        Assert.Empty(await db.Conversations.ToListAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await db.Messages.ToListAsync(TestContext.Current.CancellationToken));
        db.Conversations.Add(new() { TenantId = person.Tenant, Id = Guid.NewGuid(), UserId = person.User, AgentId = "x" });
        var refused = await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveChangesAsync(TestContext.Current.CancellationToken));
        Assert.Equal("42501", Assert.IsType<PostgresException>(refused.InnerException).SqlState);
    }
}
