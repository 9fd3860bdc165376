using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>Rights of the serving role that end at another tenant's rows by a detour. Each of these roles was Ready once.</summary>
public sealed class ServingRoleTests(DatabaseFactory databases)
{
    private const string SomeTenant = "11111111-1111-4111-8111-111111111111";

    [Theory]
    [InlineData("REPLICATION", "has REPLICATION")]
    [InlineData("IN ROLE pg_execute_server_program", "pg_execute_server_program")]
    [InlineData("IN ROLE pg_read_server_files", "pg_read_server_files")]
    [InlineData("NOINHERIT IN ROLE pg_write_server_files", "pg_write_server_files")]
    public async Task A_role_with_a_detour_is_refused(string rights, string sentence)
    {
        var database = await databases.CreateAsync();
        await RolesUnderTest.RefusedAsync(await RolesUnderTest.NewRoleAsync(database, rights), sentence);
    }

    [Theory]
    [InlineData("CREATEROLE", "CREATEROLE")]
    [InlineData("REPLICATION", "REPLICATION")]
    [InlineData("IN ROLE pg_read_server_files", "pg_read_server_files")]
    [InlineData("IN ROLE konstruct_sweeper", "konstruct_sweeper")]
    public async Task A_member_of_a_member_of_such_a_role_is_refused(string rights, string sentence)
    {
        var database = await databases.CreateAsync();
        var middle = NameOf(await RolesUnderTest.NewRoleAsync(database, $"IN ROLE {NameOf(await RolesUnderTest.NewRoleAsync(database, rights))}"));
        await RolesUnderTest.RefusedAsync(await RolesUnderTest.NewRoleAsync(database, $"NOINHERIT IN ROLE {middle}"), sentence);
    }

    [Theory]
    [InlineData("ALTER DATABASE {0} OWNER TO {1}")]
    [InlineData("ALTER SCHEMA public OWNER TO {1}")]
    public async Task The_owner_of_database_or_schema_and_members_of_it_are_refused(string change)
    {
        var database = await databases.CreateAsync();
        var owner = await RolesUnderTest.NewRoleAsync(database, "");
        await database.Sql.ExecuteAsync(string.Format(null, change, database.Name, NameOf(owner)));
        await RolesUnderTest.RefusedAsync(owner, "owns the database or its schema public");
        await RolesUnderTest.RefusedAsync(
            await RolesUnderTest.NewRoleAsync(database, $"NOINHERIT IN ROLE {NameOf(owner)}"),
            "owns the database or its schema public"
        );
    }

    [Theory]
    [InlineData($"ALTER ROLE {{1}} SET app.current_tenant = '{SomeTenant}'")]
    [InlineData($"ALTER ROLE {{1}} IN DATABASE {{0}} SET app.current_tenant = '{SomeTenant}'")]
    [InlineData($"ALTER DATABASE {{0}} SET APP.Current_Tenant = '{SomeTenant}'")]
    public async Task A_tenant_that_is_set_beforehand_is_refused(string change)
    {
        var database = await databases.CreateAsync();
        var role = await RolesUnderTest.NewRoleAsync(database, "");
        await database.Sql.ExecuteAsync(string.Format(null, change, database.Name, NameOf(role)));
        await RolesUnderTest.RefusedAsync(role, "app.current_tenant");
    }

    [Fact]
    public async Task A_tenant_in_the_connection_string_is_refused()
    {
        var database = await databases.CreateAsync();
        await RolesUnderTest.RefusedAsync(
            $"{await RolesUnderTest.NewRoleAsync(database, "")};Options=-c app.current_tenant={SomeTenant}",
            "app.current_tenant"
        );
    }

    /// <summary>A setting of another role, or of another database, is not this gateway's business.</summary>
    [Fact]
    public async Task A_tenant_that_is_set_for_others_is_not_refused()
    {
        var (database, other) = (await databases.CreateAsync(), await databases.CreateAsync());
        var role = await RolesUnderTest.NewRoleAsync(database, "");
        await other.Sql.ExecuteAsync(
            $"ALTER DATABASE {other.Name} SET app.current_tenant = '{SomeTenant}'; ALTER ROLE {NameOf(role)} IN DATABASE {other.Name} SET app.current_tenant = '{SomeTenant}'"
        );
        Assert.Equal(GuardVerdict.Serve, (await RolesUnderTest.InspectAsync(role)).Verdict);
    }

    /// <summary>PostgreSQL looks into the schema of the role's own name first. Tables there have no policies.</summary>
    [Fact]
    public async Task A_schema_of_the_role_s_name_shadows_nothing()
    {
        var database = await databases.CreateAsync();
        var connection = await RolesUnderTest.NewRoleAsync(database, "");
        var schema = NameOf(connection);
        await database.Sql.ExecuteAsync(
            $"""
            CREATE SCHEMA {schema};
            CREATE TABLE {schema}.web_conversations (LIKE public.web_conversations INCLUDING ALL);
            CREATE TABLE {schema}.web_conversation_messages (LIKE public.web_conversation_messages INCLUDING ALL);
            CREATE TABLE {schema}.web_turns (LIKE public.web_turns INCLUDING ALL);
            CREATE TABLE {schema}."__EFMigrationsHistory" (LIKE public."__EFMigrationsHistory");
            CREATE FUNCTION {schema}.open_conversation(conversation uuid, opener uuid)
            RETURNS TABLE (turn uuid, status text, attempt integer, content text)
                LANGUAGE sql AS 'SELECT conversation, ''completed'', 1, ''of the shadow''';
            GRANT ALL ON SCHEMA {schema} TO {schema};
            GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {schema};
            """
        );
        Assert.Equal(new GuardResult(GuardVerdict.Serve, ""), await RolesUnderTest.InspectAsync(connection));

        await using var services = Stores.Of(connection);
        var store = new ConversationStore(services.Tenants());
        var (key, user) = (new ConversationKey(Guid.NewGuid(), Guid.NewGuid()), Guid.NewGuid());
        var turn = new NewTurn(key, user, Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "agent", "Hello", "m-1", "{}");
        var cancellation = TestContext.Current.CancellationToken;
        await store.AcceptAsync(turn, createMissing: true, maxTurns: 4, cancellation);
        Assert.Equal("pending", Assert.Single((await store.OpenAsync(key, user, cancellation))!).Status);
        Assert.Equal(1, (await store.FindTurnAsync(key, user, "m-1", cancellation))!.Attempt);
        Assert.Equal("{}", await store.NextAttemptAsync(key, turn.TurnId, 1, cancellation));
        Assert.True((await store.PersistAsync(key, turn.TurnId, "completed", 2, "Hi"u8.ToArray(), cancellation)).Won);
        await new PendingTurns(services.GetRequiredService<IServiceScopeFactory>()).ReadAsync(TimeSpan.Zero, null, 1, cancellation);

        Assert.Equal(
            2L,
            await database.Sql.ScalarAsync<long>($"SELECT count(*) FROM public.web_conversation_messages WHERE tenant_id = '{key.TenantId}'")
        );
        Assert.Equal(0L, await database.Sql.ScalarAsync<long>($"SELECT count(*) FROM {schema}.web_conversation_messages"));
    }

    private static string NameOf(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString).Username!;
}
