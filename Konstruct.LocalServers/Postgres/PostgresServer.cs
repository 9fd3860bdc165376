using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Postgres;

/// <summary>A real PostgreSQL on the loopback interface, with a cluster per major version in the data folder.</summary>
internal sealed class PostgresServer(int port, DataFolder folder, string packages, string password) : ILocalServer
{
    /// <summary>A fast shutdown ends sessions and writes a checkpoint: well under a second, more on a busy disk.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(4);

    /// <summary>Forces English messages, because this class parses the line that says "ready".</summary>
    private static readonly Dictionary<string, string?> Environment = new()
    {
        ["LC_ALL"] = "C",
        ["PGDATA"] = null,
        ["PGPORT"] = null,
    };

    private ChildProcess? _server;

    public async Task<int> RunAsync(Action<string> say, CancellationToken stop)
    {
        var programs = await PostgresPrograms.LocateAsync(packages, say, stop);
        var cluster = folder.Combine($"{programs.Major}");
        var prefix = Unprivileged.Prefix(folder.Path);
        if (Directory.Exists(cluster))
        {
            await Leftover.ClearAsync(cluster, say, stop);
            await SetPasswordAsync(programs, cluster, prefix, stop);
        }
        else
        {
            await CreateClusterAsync(programs, cluster, prefix, say, stop);
        }

        say($"starting PostgreSQL {programs.Major}");
        var ready = new TaskCompletionSource();
        var log = new LastLines();
        _server = ChildProcess.Start(
            [.. prefix, .. ChildProcess.DieWithParent("INT"), .. ServerCommand(programs, cluster)],
            Environment,
            line =>
            {
                log.Add(line);
                if (line.EndsWith("database system is ready to accept connections", StringComparison.Ordinal))
                {
                    ready.TrySetResult();
                }
                else if (ready.Task.IsCompleted)
                {
                    say(line);
                }
            }
        );

        var stopped = stop.RequestedAsync();
        await Task.WhenAny(ready.Task, _server.Exited, stopped);
        if (ready.Task.IsCompleted)
        {
            say(ILocalServer.Ready(port));
            await Task.WhenAny(_server.Exited, stopped);
        }
        if (stop.IsCancellationRequested)
        {
            await _server.StopAsync(Signal.Interrupt, StopLimit);
            return 0;
        }
        var code = await _server.Exited; // All output has been read by then.
        throw new CannotServeException(
            ready.Task.IsCompleted ? $"PostgreSQL ended by itself with code {code}: {log}" : $"PostgreSQL did not start: {log}"
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is null)
        {
            return;
        }

        await _server.StopAsync(Signal.Quit, TimeSpan.FromSeconds(1));
        _server.Dispose();
    }

    private string[] ServerCommand(PostgresPrograms programs, string cluster) =>
        [
            programs.Postgres,
            "-D",
            cluster,
            "-p",
            $"{port}",
            // Loopback only. A socket file would need a folder that the user can write.
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "max_connections=200",
            "-c",
            "shared_buffers=64MB",
            "-c",
            "jit=off",
            "-c",
            "logging_collector=off",
            "-c",
            "log_destination=stderr",
            "-c",
            "log_checkpoints=off",
            "-c",
            "log_line_prefix=",
            "-c",
            "lc_messages=C",
        ];

    private async Task CreateClusterAsync(
        PostgresPrograms programs,
        string cluster,
        IReadOnlyList<string> prefix,
        Action<string> say,
        CancellationToken stop
    )
    {
        say($"creating a PostgreSQL {programs.Major} cluster");
        // Temporary name until it is complete: an interrupted initdb leaves an invalid cluster.
        var unfinished = cluster + ".new";
        var passwordFile = folder.Combine("password.new");
        if (Directory.Exists(unfinished))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        try
        {
            await WritePasswordAsync(passwordFile, stop);
            var log = new LastLines();
            using var initdb = ChildProcess.Start(
                [
                    .. Unprivileged.Prefix(folder.Path),
                    programs.InitDb,
                    "-D",
                    unfinished,
                    "-U",
                    "postgres",
                    "-A",
                    "scram-sha-256",
                    "--pwfile",
                    passwordFile,
                    "--locale=C",
                    "--encoding=UTF8",
                    "--no-sync",
                ],
                Environment,
                log.Add
            );
            await Task.WhenAny(initdb.Exited, stop.RequestedAsync());
            await initdb.StopAsync(Signal.Terminate, StopLimit);
            stop.ThrowIfCancellationRequested();
            if (await initdb.Exited != 0)
            {
                throw new CannotServeException($"PostgreSQL could not create its data in {unfinished}: {log}");
            }

            Directory.Move(unfinished, cluster);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    /// <summary>
    /// Sets the superuser's password to that of this start, because the earlier one may be lost: it is in the user
    /// secrets, the data is not. The server does this in single-user mode before it listens, in about 50 ms.
    /// </summary>
    private async Task SetPasswordAsync(PostgresPrograms programs, string cluster, IReadOnlyList<string> prefix, CancellationToken stop)
    {
        var log = new LastLines();
        using var single = ChildProcess.Start(
            [
                .. prefix,
                programs.Postgres,
                "--single",
                "-D",
                cluster,
                "-c",
                "log_min_messages=error",
                "-c",
                "log_min_error_statement=panic",
                "postgres",
            ],
            Environment,
            log.Add,
            $"ALTER ROLE postgres PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}';\n"
        );
        await Task.WhenAny(single.Exited, stop.RequestedAsync());
        await single.StopAsync(Signal.Terminate, StopLimit);
        stop.ThrowIfCancellationRequested();
        if (await single.Exited != 0 || log.ToString().Contains("ERROR:", StringComparison.Ordinal))
        {
            throw new CannotServeException($"PostgreSQL could not open its data in {cluster}: {log}");
        }
    }

    private async Task WritePasswordAsync(string file, CancellationToken stop)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var writer = new StreamWriter(file, options);
        await writer.WriteLineAsync(password.AsMemory(), stop);
    }
}
