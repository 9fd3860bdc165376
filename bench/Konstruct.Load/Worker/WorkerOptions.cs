using System.CommandLine;

namespace Konstruct.Load.Worker;

/// <summary>Options of <c>worker</c>.</summary>
internal sealed record WorkerOptions(string Redis, string Channel)
{
    private static readonly Option<string> RedisOption = OptionOf.Text(
        "--redis",
        "127.0.0.1:6379",
        "StackExchange.Redis connection string of one server without TLS and password."
    );
    private static readonly Option<string> ChannelOption = OptionOf.Text(
        "--channel",
        Contracts.Redis.ResponseChannel.DefaultTemplate,
        "The response channel's template."
    );

    /// <summary>The command <c>worker</c>.</summary>
    public static Command Command(Func<WorkerOptions, CancellationToken, Task<int>> run)
    {
        var command = new Command(
            "worker",
            "Answers tasks of the queue by publishing alone: no log, so that it can be faster than any gateway. A task's text says what it answers: "
                + "\"/stamp tokens=N rate=R delay=MS\", and \"burst=B every=MS\" for B tokens at a time."
        )
        {
            RedisOption,
            ChannelOption,
        };
        command.SetAction(
            (given, cancellation) => run(new(given.GetRequiredValue(RedisOption), given.GetRequiredValue(ChannelOption)), cancellation)
        );
        return command;
    }
}
