using Konstruct.LocalServers.Postgres;
using Npgsql;

namespace Konstruct.Tests.Harness;

/// <summary>PgBouncer in transaction mode before a PostgreSQL: each transaction may run on another of few connections, which all clients share.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly int _port = Loopback.FreePort();
    private LoggedProcess? _process;

    /// <param name="postgres">The server behind it.</param>
    /// <param name="connections">How many connections it keeps to a database.</param>
    public static async Task<PgBouncer> StartAsync(PostgresServer postgres, int connections)
    {
        var program = Requirement.PgBouncer.Require();
        var bouncer = new PgBouncer();
        var users = Path.Combine(bouncer._folder.Path, "users.txt");
        var file = Path.Combine(bouncer._folder.Path, "pgbouncer.ini");
        await File.WriteAllTextAsync(users, $"\"{PostgresServer.ServingRole}\" \"{PostgresServer.Password}\"\n");
        await File.WriteAllTextAsync(
            file,
            $"""
            [databases]
            * = host=127.0.0.1 port={postgres.Port}

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {bouncer._port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {users}
            pool_mode = transaction
            default_pool_size = {connections}
            max_client_conn = 500

            """
        );
        bouncer._process = new LoggedProcess("PgBouncer", [program, file], prefix: Unprivileged.Prefix(bouncer._folder.Path));
        await bouncer._process.WaitForLogAsync("process up");
        return bouncer;
    }

    /// <summary>
    /// The serving role's connection by way of it. Npgsql must not reset what it does not own (<c>No Reset On Close</c>): a <c>DISCARD ALL</c> would go to
    /// whichever connection is next.
    /// </summary>
    public string ConnectionString(Database database) =>
        new NpgsqlConnectionStringBuilder(database.ServingConnectionString) { Port = _port, NoResetOnClose = true }.ConnectionString;

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }
}
