using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>The schema step on a server that logs every statement, copies a LATIN1 template, and has an owner with a schema of his own name.</summary>
public sealed class SchemaSafetyTests(OwnServer own) : IClassFixture<OwnServer>
{
    private const string Secret = "what-no-log-may-show";

    /// <summary>RFC 7677's example.</summary>
    [Fact]
    public void A_verifier_is_what_PostgreSQL_keeps() =>
        Assert.Equal(
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            ScramVerifier.Of("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="))
        );

    [Theory]
    [InlineData(Secret)]
    [InlineData("pässwörter mit ① und 'Quotes'; \"alle\"")]
    public async Task The_serving_role_logs_in_with_its_password(string password)
    {
        var (server, name) = (own.Server, NewName());
        await RunAsync(server, name, Serving(server, name, password));
        await AssertServesAsync(Serving(server, name, password));
        await RunAsync(server, name, Serving(server, name, PostgresServer.Password));
        await AssertServesAsync(server.ServingConnectionString(name));
    }

    /// <summary>A statement that fails is logged with its text, and what called it as its context.</summary>
    [Fact]
    public async Task The_password_never_reaches_the_server_s_log()
    {
        var (server, name) = (own.Server, NewName());
        await RunAsync(server, name, Serving(server, name, Secret));
        await server.AsSuperuser(name).ExecuteAsync($"CREATE ROLE powerless LOGIN PASSWORD 'powerless'");
        var powerless = new NpgsqlConnectionStringBuilder(server.OwnerConnectionString(name))
        {
            Username = "powerless",
            Password = "powerless",
        }.ConnectionString;

        await Assert.ThrowsAsync<PostgresException>(() =>
            new SchemaStep(powerless, Serving(server, name, Secret), NullLogger.Instance).RunAsync(
                seedDevelopment: false,
                TestContext.Current.CancellationToken
            )
        );

        await Until.TrueAsync(() =>
            Task.FromResult(
                server.Log.Contains("ALTER ROLE", StringComparison.Ordinal) && server.Log.Contains("SCRAM-SHA-256", StringComparison.Ordinal)
            )
        );
        Assert.DoesNotContain(Secret, server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_database_is_made_in_UTF8_whatever_the_server_s_template_is()
    {
        var (server, name) = (own.Server, NewName());
        await own.InLatin1Async(() => RunAsync(server, name, server.ServingConnectionString(name)));

        Assert.Equal("UTF8", await server.AsSuperuser(name).ScalarAsync<string>("SELECT current_setting('server_encoding')"));
        await AssertServesAsync(server.ServingConnectionString(name));
    }

    [Fact]
    public async Task A_database_in_another_encoding_is_a_sentence_and_code_1()
    {
        var (server, name) = (own.Server, NewName());
        await server
            .AsSuperuser("postgres")
            .ExecuteAsync($"CREATE DATABASE {name} OWNER {PostgresServer.Owner} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");

        await using var schema = await ServiceProcess.StartAsync(
            "Konstruct.Gateway",
            ["schema"],
            new Dictionary<string, string>
            {
                ["ConnectionStrings__konstruct-db"] = server.OwnerConnectionString(name),
                ["ConnectionStrings__konstruct"] = server.ServingConnectionString(name),
            }
        );
        await Until.TrueAsync(() => Task.FromResult(schema.ExitCode is not null));

        Assert.Equal(1, schema.ExitCode);
        Assert.Contains("has the encoding LATIN1; it must be UTF8", schema.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", schema.Log, StringComparison.Ordinal);
    }

    /// <summary>PostgreSQL makes tables in that schema, unless the step says where.</summary>
    [Fact]
    public async Task An_owner_who_has_a_schema_of_his_own_name_works()
    {
        var (server, name) = (own.Server, NewName());
        await server.AsSuperuser("postgres").ExecuteAsync($"CREATE DATABASE {name} OWNER {PostgresServer.Owner}");
        await server.AsSuperuser(name).ExecuteAsync($"CREATE SCHEMA {PostgresServer.Owner} AUTHORIZATION {PostgresServer.Owner}");

        await RunAsync(server, name, server.ServingConnectionString(name), seed: true);
        await RunAsync(server, name, server.ServingConnectionString(name), seed: true);

        await AssertServesAsync(server.ServingConnectionString(name));
        Assert.Equal(
            0L,
            await server
                .AsSuperuser(name)
                .ScalarAsync<long>($"SELECT count(*) FROM pg_class WHERE relnamespace = '{PostgresServer.Owner}'::regnamespace")
        );
    }

    private static string NewName() => $"s{Guid.NewGuid():N}";

    private static string Serving(PostgresServer server, string name, string password) =>
        new NpgsqlConnectionStringBuilder(server.ServingConnectionString(name)) { Password = password }.ConnectionString;

    private static Task RunAsync(PostgresServer server, string name, string serving, bool seed = false) =>
        new SchemaStep(server.OwnerConnectionString(name), serving, NullLogger.Instance).RunAsync(seed, TestContext.Current.CancellationToken);

    private static async Task AssertServesAsync(string serving)
    {
        await using var source = NpgsqlDataSource.Create($"{serving};Pooling=false");
        await using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(source).Options);
        Assert.Equal(new GuardResult(GuardVerdict.Serve, ""), await ServingRoleGuard.InspectAsync(db, TestContext.Current.CancellationToken));
        Assert.Null(await StoreTrial.RunAsync(db, TestContext.Current.CancellationToken));
    }
}

/// <summary>A server whose roles and templates a class may change.</summary>
public sealed class OwnServer : IAsyncLifetime
{
    internal PostgresServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await PostgresServer.StartAsync();
        await Server.AsSuperuser("postgres").ExecuteAsync("ALTER SYSTEM SET log_statement = 'all'");
        await Server.AsSuperuser("postgres").ExecuteAsync("SELECT pg_reload_conf()");
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>With a template1 in LATIN1, as a server has it that was made under such a locale.</summary>
    internal async Task InLatin1Async(Func<Task> act)
    {
        await ReplaceTemplateAsync("LATIN1");
        try
        {
            await act();
        }
        finally
        {
            await ReplaceTemplateAsync("UTF8");
        }
    }

    private async Task ReplaceTemplateAsync(string encoding)
    {
        foreach (
            var statement in new[]
            {
                "ALTER DATABASE template1 IS_TEMPLATE false",
                "DROP DATABASE template1",
                $"CREATE DATABASE template1 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0 IS_TEMPLATE true",
            }
        )
        {
            await Server.AsSuperuser("postgres").ExecuteAsync(statement);
        }
    }
}
