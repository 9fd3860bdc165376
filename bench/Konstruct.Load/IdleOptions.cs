using System.CommandLine;
using System.Globalization;
using Konstruct.Load.Client;
using Konstruct.Load.Measure;

namespace Konstruct.Load;

/// <summary>Options of <c>idle</c>.</summary>
internal sealed record IdleOptions(
    Uri Url,
    Dialect Dialect,
    IReadOnlyList<int> Sockets,
    string BurstText,
    int BurstSockets,
    TimeSpan Rest,
    TimeSpan Silence,
    string JwtKey,
    WatchedProcess Server,
    string? Json
)
{
    private static readonly Option<int[]> SocketsOption = OptionOf.Value<int[]>(
        "--sockets",
        "1000,5000,10000",
        "How many are open at each measurement.",
        text => [.. text.Split(',').Select(Number)]
    );
    private static readonly Option<WatchedProcess> WatchOption = new("--watch")
    {
        Description = "NAME=PID of the server.",
        Required = true,
        CustomParser = OptionOf.Parser(WatchedProcess.Parse),
    };
    private static readonly Option<string> BurstTextOption = OptionOf.Text(
        "--burst-text",
        "/stamp tokens=100 rate=0 delay=0",
        "A message that some sockets send after the last measurement."
    );
    private static readonly Option<double> BurstSocketsOption = OptionOf.Number("--burst-sockets", 1000, "How many send it. 0: no burst.");
    private static readonly Option<double> RestOption = OptionOf.Number("--rest", 30, "Seconds after the burst until memory is read.", most: 86_400);
    private static readonly Option<double> SilenceOption = OptionOf.Number(
        "--silence",
        0,
        "Seconds over which the CPU time of silent sockets is measured; a multiple of the server's ping interval is fair. 0: not measured.",
        most: 86_400
    );

    /// <summary>The command <c>idle</c>.</summary>
    public static Command Command(Func<IdleOptions, CancellationToken, Task<int>> run)
    {
        var command = new Command("idle", "Opens sockets that say nothing, and measures what each costs its server.")
        {
            SharedOptions.Url,
            SharedOptions.Dialect,
            SocketsOption,
            WatchOption,
            BurstTextOption,
            BurstSocketsOption,
            RestOption,
            SilenceOption,
            SharedOptions.JwtKey,
            SharedOptions.Json,
        };
        command.SetAction((given, cancellation) => run(Read(given), cancellation));
        return command;
    }

    private static IdleOptions Read(ParseResult given) =>
        new(
            given.GetRequiredValue(SharedOptions.Url),
            given.GetValue(SharedOptions.Dialect),
            given.GetRequiredValue(SocketsOption),
            given.GetRequiredValue(BurstTextOption),
            (int)given.GetValue(BurstSocketsOption),
            TimeSpan.FromSeconds(given.GetValue(RestOption)),
            TimeSpan.FromSeconds(given.GetValue(SilenceOption)),
            given.GetRequiredValue(SharedOptions.JwtKey),
            given.GetRequiredValue(WatchOption),
            given.GetValue(SharedOptions.Json)
        );

    private static int Number(string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 50_000
            ? number
            : throw new BadArgumentException($"--sockets: '{text}' is not a number from 1 to 50000.");
}
