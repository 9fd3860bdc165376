namespace Konstruct.Load.Worker;

/// <summary>Options of <c>worker</c>.</summary>
internal sealed record WorkerOptions(string Redis, string Channel)
{
    public const string Help = """
                  --redis C          StackExchange.Redis connection string of one server without TLS and password; default 127.0.0.1:6379
                  --channel T        the response channel's template; default the gateway's
                  A task's text says what it answers: "/stamp tokens=N rate=R delay=MS", and "burst=B every=MS" for B tokens at a time
        """;

    public static WorkerOptions Parse(string[] args)
    {
        var given = new Arguments(args);
        var options = new WorkerOptions(
            given.Text("redis", "127.0.0.1:6379"),
            given.Text("channel", Contracts.Redis.ResponseChannel.DefaultTemplate)
        );
        given.EnsureAllKnown();
        return options;
    }
}
