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
    string JwtKey,
    WatchedProcess Server,
    string? Json
)
{
    public const string Help = """
                  --url, --dialect, --jwt-key, --json   as for run
                  --sockets N,N,…    how many are open at each measurement; default 1000,5000,10000
                  --watch NAME=PID   the server
                  --burst-text T     then so many sockets send this message; default "/stamp tokens=100 rate=0 delay=0"
                  --burst-sockets N  default 1000; 0: no burst
                  --rest S           seconds after the burst until memory is read; default 30
        """;

    public static IdleOptions Parse(string[] args)
    {
        var given = new Arguments(args);
        var options = new IdleOptions(
            LoadOptions.UrlOf(given),
            LoadOptions.DialectOf(given.Text("dialect", "v2")),
            [.. given.Text("sockets", "1000,5000,10000").Split(',').Select(Number)],
            given.Text("burst-text", "/stamp tokens=100 rate=0 delay=0"),
            given.Count("burst-sockets", 1000),
            given.Seconds("rest", 30),
            given.Text("jwt-key", ""),
            given.All("watch") is [var server]
                ? WatchedProcess.Parse(server)
                : throw new BadArgumentException("idle wants one --watch NAME=PID: the server."),
            given.Text("json", "") is { Length: > 0 } json ? json : null
        );
        given.EnsureAllKnown();
        return options;
    }

    private static int Number(string text) =>
        int.TryParse(text, out var number) && number is > 0 and <= 50_000
            ? number
            : throw new BadArgumentException($"--sockets: '{text}' is no number from 1 to 50000.");
}
