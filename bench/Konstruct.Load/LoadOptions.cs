using System.CommandLine;
using Konstruct.Load.Client;
using Konstruct.Load.Measure;

namespace Konstruct.Load;

/// <summary>Options of <c>run</c>.</summary>
internal sealed record LoadOptions(
    IReadOnlyList<Uri> Urls,
    Dialect Dialect,
    int Conversations,
    int Messages,
    string Text,
    TimeSpan Ramp,
    TimeSpan Think,
    TimeSpan Patience,
    TimeSpan Storm,
    int Slow,
    TimeSpan SlowDelay,
    string JwtKey,
    string? Json,
    IReadOnlyList<WatchedProcess> Watched,
    IReadOnlyList<int> Cores,
    string? Redis,
    string? Postgres
)
{
    private const double Day = 86_400;

    private static readonly Option<double> ConversationsOption = OptionOf.Number(
        "--conversations",
        100,
        "Conversations, each with a socket, a user and a tenant of its own.",
        least: 1
    );
    private static readonly Option<double> MessagesOption = OptionOf.Number(
        "--messages",
        1,
        "Messages of a conversation, one after another.",
        least: 1
    );
    private static readonly Option<string> TextOption = OptionOf.Text(
        "--text",
        "/stamp tokens=100 rate=50 delay=0",
        "Text of a message: one of the stub's scenarios."
    );
    private static readonly Option<double> RampOption = OptionOf.Number("--ramp", 1, "Seconds over which the first messages are spread.", most: Day);
    private static readonly Option<double> ThinkOption = OptionOf.Number(
        "--think",
        0,
        "Seconds from an answer's end to the next message.",
        most: Day
    );
    private static readonly Option<double> PatienceOption = OptionOf.Number(
        "--patience",
        30,
        "Seconds without a frame until an answer counts as hung.",
        most: Day
    );
    private static readonly Option<double> StormOption = OptionOf.Number(
        "--storm",
        0,
        "v2 only: every so many seconds all sockets break, connect again and resume. 0: never.",
        most: Day
    );
    private static readonly Option<double> SlowOption = OptionOf.Number("--slow", 0, "Number of conversations that read slowly.");
    private static readonly Option<double> SlowDelayOption = OptionOf.Number("--slow-delay", 100, "Milliseconds between two of their frames.");
    private static readonly Option<WatchedProcess[]> WatchOption = OptionOf.List(
        "--watch",
        "NAME=PID of a process whose CPU time is reported.",
        WatchedProcess.Parse
    );
    private static readonly Option<WatchedProcess[]> FamilyOption = OptionOf.List(
        "--watch-family",
        "The same of a process with its children, also those that end meanwhile: PostgreSQL.",
        text => WatchedProcess.Parse(text) with { HasChildren = true }
    );
    private static readonly Option<string?> RedisOption = new("--redis")
    {
        Description = "StackExchange.Redis connection string of one server whose memory is reported.",
    };
    private static readonly Option<string?> PostgresOption = new("--postgres")
    {
        Description = "Connection string of the owner of a database whose size and WAL are reported.",
    };
    private static readonly Option<Uri[]> AlsoOption = OptionOf.List(
        "--also",
        "Address of another server of the same stores: the conversations are divided among all.",
        SharedOptions.ParseUrl
    );
    private static readonly Option<int[]> CoreOption = OptionOf.List(
        "--core",
        "A core whose speed is reported, by a short loop every 50 ms.",
        CoreWatch.Parse
    );

    /// <summary>The command <c>run</c>.</summary>
    public static Command Command(Func<LoadOptions, CancellationToken, Task<int>> run)
    {
        var command = new Command("run", "Opens conversations, sends messages, checks every answer, and measures.")
        {
            SharedOptions.Url,
            SharedOptions.Dialect,
            ConversationsOption,
            MessagesOption,
            TextOption,
            RampOption,
            ThinkOption,
            PatienceOption,
            StormOption,
            SlowOption,
            SlowDelayOption,
            SharedOptions.JwtKey,
            WatchOption,
            FamilyOption,
            CoreOption,
            AlsoOption,
            RedisOption,
            PostgresOption,
            SharedOptions.Json,
        };
        command.SetAction((given, cancellation) => run(Read(given), cancellation));
        return command;
    }

    private static LoadOptions Read(ParseResult given)
    {
        var options = new LoadOptions(
            [given.GetRequiredValue(SharedOptions.Url), .. given.GetRequiredValue(AlsoOption)],
            given.GetValue(SharedOptions.Dialect),
            (int)given.GetValue(ConversationsOption),
            (int)given.GetValue(MessagesOption),
            given.GetRequiredValue(TextOption),
            TimeSpan.FromSeconds(given.GetValue(RampOption)),
            TimeSpan.FromSeconds(given.GetValue(ThinkOption)),
            TimeSpan.FromSeconds(given.GetValue(PatienceOption)),
            TimeSpan.FromSeconds(given.GetValue(StormOption)),
            (int)given.GetValue(SlowOption),
            TimeSpan.FromMilliseconds(given.GetValue(SlowDelayOption)),
            given.GetRequiredValue(SharedOptions.JwtKey),
            given.GetValue(SharedOptions.Json),
            [.. given.GetRequiredValue(WatchOption), .. given.GetRequiredValue(FamilyOption)],
            given.GetRequiredValue(CoreOption),
            given.GetValue(RedisOption),
            given.GetValue(PostgresOption)
        );
        return options.Storm > TimeSpan.Zero && options.Dialect != Dialect.V2
            ? throw new BadArgumentException("--storm requires --dialect v2: nothing else can resume.")
            : options;
    }
}
