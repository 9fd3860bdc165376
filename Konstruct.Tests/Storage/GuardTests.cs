using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>A gateway whose role could see more than its tenant's rows, or whose tables let it, does not serve.</summary>
public sealed class GuardTests(DatabaseFactory databases)
{
    private const string Messages = "web_conversation_messages";
    private const string TenantOnly = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid";

    [Fact]
    public async Task The_role_and_the_tables_of_the_schema_step_are_right()
    {
        var database = await databases.CreateAsync();
        var result = await RolesUnderTest.InspectAsync(database.ServingConnectionString);
        Assert.Equal(new GuardResult(GuardVerdict.Serve, ""), result);
    }

    [Theory]
    [InlineData("SUPERUSER", "superuser")]
    [InlineData("BYPASSRLS", "BYPASSRLS")]
    [InlineData("CREATEROLE", "CREATEROLE")]
    [InlineData("IN ROLE konstruct_sweeper", "member of konstruct_sweeper")]
    [InlineData("NOINHERIT IN ROLE konstruct_sweeper", "member of konstruct_sweeper")]
    [InlineData("IN ROLE postgres", "BYPASSRLS, or is a member")]
    [InlineData("NOINHERIT IN ROLE postgres", "BYPASSRLS, or is a member")]
    [InlineData($"IN ROLE {PostgresServer.Owner}", "ConnectionStrings:konstruct")]
    public async Task A_role_that_could_see_more_is_refused(string rights, string sentence)
    {
        var database = await databases.CreateAsync();
        await RolesUnderTest.RefusedAsync(await RolesUnderTest.NewRoleAsync(database, rights), sentence);
    }

    [Fact]
    public async Task A_member_of_a_member_is_a_member()
    {
        var database = await databases.CreateAsync();
        var middle = new NpgsqlConnectionStringBuilder(await RolesUnderTest.NewRoleAsync(database, "BYPASSRLS")).Username;
        await RolesUnderTest.RefusedAsync(await RolesUnderTest.NewRoleAsync(database, $"IN ROLE {middle}"), "BYPASSRLS, or is a member");
    }

    [Fact]
    public async Task The_owner_of_one_table_is_refused()
    {
        var database = await databases.CreateAsync();
        var role = await RolesUnderTest.NewRoleAsync(database, "");
        await database.Sql.ExecuteAsync($"ALTER TABLE {Messages} OWNER TO {new NpgsqlConnectionStringBuilder(role).Username}");
        await RolesUnderTest.RefusedAsync(role, $"owns {Messages}");
    }

    [Fact]
    public async Task The_owner_is_refused()
    {
        var database = await databases.CreateAsync();
        await RolesUnderTest.RefusedAsync(database.Server.OwnerConnectionString(database.Name), PostgresServer.Owner);
    }

    /// <summary>SET ROLE makes a superuser look like the serving role, until RESET ROLE.</summary>
    [Fact]
    public async Task A_superuser_that_has_set_another_role_is_refused()
    {
        var database = await databases.CreateAsync();
        var mighty = await RolesUnderTest.NewRoleAsync(database, "SUPERUSER");
        await RolesUnderTest.RefusedAsync($"{mighty};Options=-c role={PostgresServer.ServingRole}", "superuser");
    }

    [Theory]
    [InlineData($"ALTER TABLE {Messages} NO FORCE ROW LEVEL SECURITY", "not enabled and forced")]
    [InlineData("ALTER TABLE web_conversations NO FORCE ROW LEVEL SECURITY", "not enabled and forced")]
    [InlineData($"ALTER TABLE {Messages} DISABLE ROW LEVEL SECURITY", "not enabled and forced")]
    [InlineData("ALTER TABLE web_turns NO FORCE ROW LEVEL SECURITY", "not enabled and forced")]
    [InlineData("CREATE POLICY more ON web_turns USING (true)", "another policy")]
    [InlineData($"DROP POLICY tenant ON {Messages}", "lacks the policy 'tenant'")]
    [InlineData($"ALTER POLICY tenant ON {Messages} USING (true)", "lacks the policy 'tenant'")]
    [InlineData($"ALTER POLICY tenant ON {Messages} WITH CHECK (true)", "lacks the policy 'tenant'")]
    [InlineData($"ALTER POLICY tenant ON {Messages} USING ({TenantOnly} OR role = 'user')", "lacks the policy 'tenant'")]
    [InlineData($"DROP POLICY tenant ON {Messages}; CREATE POLICY tenant ON {Messages} FOR SELECT USING ({TenantOnly})", "lacks the policy 'tenant'")]
    [InlineData($"CREATE POLICY more ON {Messages} USING (true)", "another policy")]
    [InlineData($"CREATE POLICY more ON {Messages} FOR SELECT TO {PostgresServer.ServingRole} USING (true)", "another policy")]
    public async Task Tables_that_let_it_see_more_are_refused(string change, string sentence)
    {
        var database = await databases.CreateAsync();
        await database.Sql.ExecuteAsync(change);
        await RolesUnderTest.RefusedAsync(database.ServingConnectionString, sentence);
    }

    [Fact]
    public async Task A_policy_that_only_narrows_is_nobody_s_business()
    {
        var database = await databases.CreateAsync();
        await database.Sql.ExecuteAsync($"CREATE POLICY narrower ON {Messages} AS RESTRICTIVE USING (length(content) < 1000000)");
        Assert.Equal(GuardVerdict.Serve, (await RolesUnderTest.InspectAsync(database.ServingConnectionString)).Verdict);
    }

    [Fact]
    public async Task Without_tables_it_waits()
    {
        var database = await databases.CreateAsync();
        await database.Sql.ExecuteAsync($"DROP TABLE {Messages}");
        Assert.Equal(GuardVerdict.Wait, (await RolesUnderTest.InspectAsync(database.ServingConnectionString)).Verdict);
    }

    [Fact]
    public async Task A_gateway_that_is_refused_says_why_and_ends_with_code_1()
    {
        await using var redis = await RedisServer.StartAsync(RedisKind.Garnet);
        var (open, closed) = (await databases.CreateAsync(), await databases.CreateAsync());
        await open.Sql.ExecuteAsync($"ALTER TABLE {Messages} NO FORCE ROW LEVEL SECURITY");
        await Task.WhenAll(
            EndsAsync(redis, await RolesUnderTest.NewRoleAsync(closed, "SUPERUSER"), "is a superuser, for whom row level security does not exist"),
            EndsAsync(redis, open.ServingConnectionString, "Row level security is not enabled and forced on web_conversation_messages")
        );
    }

    private static async Task EndsAsync(RedisServer redis, string connectionString, string sentence)
    {
        await using var gateway = await ServiceProcess.StartAsync(
            "Konstruct.Gateway",
            [],
            new Dictionary<string, string>
            {
                ["ConnectionStrings__redis"] = redis.ConnectionString,
                ["ConnectionStrings__konstruct"] = connectionString,
            }
        );
        var ended = await Assert.ThrowsAsync<InvalidOperationException>(gateway.WaitUntilHealthyAsync);
        Assert.Contains("ended with code 1", ended.Message, StringComparison.Ordinal);
        await Until.TrueAsync(() => Task.FromResult(gateway.Log.Contains(sentence, StringComparison.Ordinal)));
        Assert.DoesNotContain("   at ", gateway.Log, StringComparison.Ordinal);
    }
}
