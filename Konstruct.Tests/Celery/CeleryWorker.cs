using Konstruct.LocalServers.Processes;
using Konstruct.Tests.Harness;
using StackExchange.Redis;

namespace Konstruct.Tests.Celery;

/// <summary>A real Celery worker, as the platform runs it, with the task of <c>orchestrator/tasks.py</c>.</summary>
internal sealed class CeleryWorker : IAsyncDisposable
{
    private readonly LoggedProcess _process;

    private CeleryWorker(LoggedProcess process) => _process = process;

    public string Log => _process.Log;

    /// <summary>Folder of the Python files.</summary>
    private static string Folder => BuiltPrograms.PathTo("Konstruct.Tests/Celery");

    /// <param name="redis">Where it publishes.</param>
    /// <param name="broker">Where it takes its tasks from; null: from the same server.</param>
    /// <param name="queues">Its queues, separated by commas.</param>
    /// <param name="visibilityTimeout">
    /// Seconds after which a task of a worker that died is delivered again. Kombu looks when a worker starts, and then every 100 s; 0: at the start.
    /// </param>
    /// <param name="folder">The folder that holds the package <c>orchestrator</c>; null: the tests' own.</param>
    public static async Task<CeleryWorker> StartAsync(
        RedisServer redis,
        RedisServer? broker = null,
        string queues = "celery",
        int visibilityTimeout = 3600,
        string? folder = null
    )
    {
        string[] command =
        [
            Requirement.Celery.Require(),
            "-m",
            "celery",
            "-A",
            "orchestrator.tasks",
            "worker",
            "-P",
            "threads",
            "-c",
            "8",
            "-Q",
            queues,
            "-l",
            "INFO",
            "-n",
            $"{Guid.NewGuid():N}@tests",
            "--without-gossip",
            "--without-mingle",
        ];
        var environment = EnvironmentOf(redis, broker ?? redis, folder);
        environment["VISIBILITY_TIMEOUT"] = $"{visibilityTimeout}";
        var worker = new CeleryWorker(new LoggedProcess("celery", command, environment));
        await worker._process.WaitForLogAsync(" ready.");
        return worker;
    }

    /// <summary>Runs one of the scripts to its end.</summary>
    public static async Task RunAsync(RedisServer redis, string script, params string[] arguments)
    {
        await using var process = new LoggedProcess(
            script,
            [Requirement.Celery.Require(), Path.Combine(Folder, script), .. arguments],
            EnvironmentOf(redis, redis)
        );
        await Until.TrueAsync(() => Task.FromResult(process.HasExited));
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(process.Log);
        }
    }

    /// <summary>Ends it as a crash would.</summary>
    public Task KillAsync() => _process.EndAsync(Signal.Kill);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static Dictionary<string, string?> EnvironmentOf(RedisServer redis, RedisServer broker, string? folder = null) =>
        new()
        {
            ["REDIS_URL"] = UrlOf(redis),
            ["BROKER_URL"] = UrlOf(broker),
            ["PYTHONPATH"] = folder ?? Folder,
            ["PYTHONDONTWRITEBYTECODE"] = "1",
            ["PYTHONUNBUFFERED"] = "1",
        };

    private static string UrlOf(RedisServer redis)
    {
        var options = ConfigurationOptions.Parse(redis.ConnectionString);
        return $"redis://:{options.Password}@127.0.0.1:{redis.Port}/0";
    }
}
