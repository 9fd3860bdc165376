using Konstruct.Tests.Harness;
using Xunit;

[assembly: AssemblyFixture(typeof(DatabaseFactory))]

namespace Konstruct.Tests.Harness;

/// <summary>
/// The PostgreSQL server of the test run, started when the first test asks for a database. The schema step runs once; every further
/// database is a copy of what it made.
/// </summary>
public sealed class DatabaseFactory : IAsyncDisposable
{
    private const string Template = "konstruct";

    private readonly Lazy<Task<PostgresServer>> _server;
    private readonly SemaphoreSlim _copying = new(1);
    private int _failures;

    public DatabaseFactory() => _server = new(StartAsync);

    /// <summary>Whether the server gets a disk that a test can fill, where the machine allows it.</summary>
    internal bool IsOnSmallDisk { get; init; }

    public async ValueTask DisposeAsync()
    {
        if (_server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await _server.Value).DisposeAsync();
        }

        _copying.Dispose();
    }

    /// <summary>A database with the application's schema and nothing in it.</summary>
    internal async Task<Database> CreateAsync()
    {
        var server = await ServerAsync();
        // A template can serve one copy at a time.
        await _copying.WaitAsync();
        try
        {
            return new Database(server, await server.CopyDatabaseAsync(Template));
        }
        finally
        {
            _copying.Release();
        }
    }

    /// <summary>Where the server did not start, the first caller gets the reason and the tests of the others are skipped.</summary>
    private async Task<PostgresServer> ServerAsync()
    {
        try
        {
            return await _server.Value;
        }
        catch (Exception) when (Interlocked.Increment(ref _failures) > 1)
        {
            Assert.Skip("PostgreSQL did not start; the test that failed first with it says why.");
            throw;
        }
    }

    private async Task<PostgresServer> StartAsync()
    {
        var server = await PostgresServer.StartAsync(IsOnSmallDisk);
        try
        {
            await using var schema = await ServiceProcess.StartAsync(
                "Konstruct.Gateway",
                ["schema"],
                new Dictionary<string, string>
                {
                    ["ConnectionStrings__konstruct-db"] = server.OwnerConnectionString(Template),
                    ["ConnectionStrings__konstruct"] = server.ServingConnectionString(Template),
                }
            );
            await schema.WaitUntilHealthyAsync();
            await schema.TerminateAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }
}

/// <summary>One database of the test run's server.</summary>
internal sealed record Database(PostgresServer Server, string Name)
{
    public Sql Sql { get; } = Server.AsSuperuser(Name);

    public string ServingConnectionString => Server.ServingConnectionString(Name);

    /// <summary>Plays an outage for this database alone: the server is shared with other tests.</summary>
    public Task CloseAsync() => Server.CloseDatabaseAsync(Name);

    public Task OpenAsync() => Server.OpenDatabaseAsync(Name);
}
